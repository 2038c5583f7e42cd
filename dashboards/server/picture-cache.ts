/** Encodes pictures of questions as PNG on request and caches them within a bound. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { serial } from '../../src/lib/serial.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { Picture } from '../../src/protocol/messages.ts';
import type { DashboardSource } from './source.ts';

const MOST_BYTES = 32 * 2 ** 20;
const MOST_AT_ONCE = 64;
/** Pixels a side; larger pictures are scaled down. */
const LONGEST_SIDE = 1024;

export interface Png {
  readonly bytes: Buffer;
  readonly etag: string;
}

export class PictureCache {
  readonly #source: Pick<DashboardSource, 'picture' | 'store'>;
  /** Least recently used first. */
  readonly #kept = new Map<string, Png>();
  readonly #inHand = new Map<string, Promise<Png>>();
  /** Encodes one picture at a time, to leave the processors to the loop. */
  readonly #inTurn = serial();
  #bytes = 0;

  constructor(source: Pick<DashboardSource, 'picture' | 'store'>) {
    this.#source = source;
  }

  /** Bytes in the cache. */
  get size(): number {
    return this.#bytes;
  }

  /** @throws InputError when there is no such picture. */
  async png(questionId: string, index: number): Promise<Png> {
    const key = JSON.stringify([questionId, index]);
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const inHand = this.#inHand.get(key);
    if (inHand) return inHand;
    if (this.#inHand.size >= MOST_AT_ONCE) throw new InputError('too many pictures at once: ask again');
    const made = this.#inTurn(() => this.#make(questionId, index));
    this.#inHand.set(key, made);
    try {
      const png = await made;
      this.#keep(key, png);
      return png;
    } finally {
      this.#inHand.delete(key);
    }
  }

  async #make(questionId: string, index: number): Promise<Png> {
    const question = this.#source.store.question(questionId);
    if (!question || index >= question.pictures.length)
      throw new InputError(`there is no picture ${index} of question ${questionId}`);
    const bytes = await encodePng(await this.#source.picture(question, index));
    return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
  }

  #keep(key: string, png: Png): void {
    this.#kept.set(key, png);
    this.#bytes += png.bytes.length;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= MOST_BYTES) return;
      this.#kept.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}

async function encodePng({ width, height, channels, data }: Picture): Promise<Buffer> {
  const image = sharp(data, { raw: { width, height, channels } });
  return image
    .resize(LONGEST_SIDE, LONGEST_SIDE, { fit: 'inside', withoutEnlargement: true })
    .png({ compressionLevel: 6 })
    .toBuffer();
}
