/** Makes the lease of a job: everything that a worker needs of it, and nothing else of the question. */
import { constants } from 'node:buffer';
import type { Question } from '../protocol/messages.ts';
import type { SampleRequest, WeightsRef } from '../protocol/ports.ts';
import type { Content } from './blobs.ts';
import { wirePicture } from './pictures.ts';
import { hashOf, type Blob, type Lease } from './wire.ts';

/** Gets each picture's blob, which the lease needs until it is done. */
export type Hold = (blob: Blob, content: Content) => void;

/** @throws InputError when a picture cannot be read. */
export async function makeLease(
  { questions: asked, params, seed, version, reference }: SampleRequest,
  terms: Pick<Lease, 'setup' | 'seconds' | 'weights'>,
  hold: Hold,
): Promise<Lease> {
  const pictures: Blob[] = [];
  const need: Hold = (blob, content) => {
    hold(blob, content);
    pictures.push(blob);
  };
  const questions: Lease['request']['questions'] = [];
  for (const question of asked) questions.push(await wireQuestion(question, need));
  const { samples, temperature, topP, topK, maxNewTokens } = params;
  const request = {
    questions,
    params: { samples, temperature, topP, topK, maxNewTokens },
    seed,
    version,
    ...(reference === true && { reference }),
  };
  return { ...terms, id: hashOf([terms.setup, terms.weights.sha, request]).slice(0, 32), pictures, request };
}

/** Neither the question's kind nor where it comes from, and never a label. */
export async function wireQuestion(
  { id, text, pictures, verbatim }: Question,
  need: Hold,
): Promise<Lease['request']['questions'][number]> {
  const refs = await Promise.all(pictures.map((ref) => wirePicture(ref, need)));
  return { id, text, pictures: refs, ...(verbatim && { verbatim }) };
}

/** Versions whose hash is remembered, those asked for last. */
const REMEMBERED = 8;

/** Whether a worker can hold the weights of a version, which reach it as one array. */
export function canTravel({ size }: Pick<WeightsRef, 'size'>): boolean {
  return size <= constants.MAX_LENGTH;
}

/** Hashes of versions' weights, whose own ids hold within one process only. */
export class WeightHashes {
  readonly #byId = new Map<string, Promise<Blob>>();

  /** @throws RangeError when the version is gone. */
  async of(ref: WeightsRef): Promise<Blob> {
    const hashing = this.#byId.get(ref.id) ?? ref.read().then((bytes) => ({ sha: hashOf(bytes), size: bytes.length }));
    this.#byId.delete(ref.id);
    this.#byId.set(ref.id, hashing);
    hashing.catch(() => this.#byId.delete(ref.id));
    for (const id of this.#byId.keys()) if (this.#byId.size > REMEMBERED) this.#byId.delete(id);
    return hashing;
  }
}
