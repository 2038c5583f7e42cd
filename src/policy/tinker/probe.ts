/**
 * Whether the server reads pictures: two pictures between the same tokens must give other log-probabilities. A server
 * may drop pictures without an error, as SkyRL 0.3 does on JAX.
 */
import { Random } from '../../data/rng.ts';
import type { Picture } from '../../protocol/messages.ts';
import { LostError, RefusedError } from './client.ts';
import { scoreDatum } from './loss.ts';
import type { Prompts } from './prompts.ts';
import type { Session } from './session.ts';

const SIDE = 128;
/** Log-probabilities closer than this are the same, nats. */
const SAME = 1e-6;

export async function readsPictures(session: Session, prompts: Prompts, seconds: number): Promise<boolean> {
  const white = picture(() => 255);
  const random = new Random(0, 'probe');
  const noise = picture(() => random.int(0, 255));
  const data = await Promise.all(
    [white, noise].map(async (each) => scoreDatum(await prompts.probe(each), prompts.endTokens.slice(0, 1))),
  );
  try {
    const [one, other] = await session.forward(data, 'policy', seconds);
    return Math.abs(one![0]! - other![0]!) > SAME;
  } catch (error) {
    if (error instanceof RefusedError || error instanceof LostError) return false;
    throw error;
  }
}

function picture(pixel: () => number): Picture {
  return { width: SIDE, height: SIDE, channels: 3, data: Uint8Array.from({ length: 3 * SIDE ** 2 }, pixel) };
}
