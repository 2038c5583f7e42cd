/**
 * Asks questions of which some may be refused (a damaged picture, a text over the context); the others still get their
 * answers.
 */
import { InputError } from '../protocol/errors.ts';
import type { SampleReply } from '../protocol/ports.ts';
import type { Question, Sample } from '../protocol/messages.ts';

/** Ids of questions that cannot be asked, with the reason: they are not asked again and do not count. */
export type Refused = Map<string, string>;

export type SampleAll = (questions: readonly Question[]) => Promise<SampleReply['groups']>;

/** @returns samples by id. If a question of the job is refused, each is asked alone. */
export async function sampleUnlessRefused(
  job: readonly Question[],
  sample: SampleAll,
  refused: Refused,
): Promise<Map<string, readonly Sample[]>> {
  const asked = job.filter(({ id }) => !refused.has(id));
  if (asked.length === 0) return new Map();
  try {
    const groups = await sample(asked);
    return new Map(asked.map(({ id }, i) => [id, groups[i] ?? []]));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const [first, ...more] = asked;
    if (more.length === 0) refused.set(first!.id, error.message);
    const alone: [string, readonly Sample[]][] = [];
    if (more.length > 0) for (const each of asked) alone.push(...(await sampleUnlessRefused([each], sample, refused)));
    return new Map(alone);
  }
}
