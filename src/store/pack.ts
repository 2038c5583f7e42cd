/** Messages to blobs and back, without loss: number lists as typed arrays, the rest as MessagePack. */
import { Packr } from 'msgpackr';
import type { Checked, Evaluation, Finish, Question, Sample, StepMetrics, Verdict } from '../protocol/messages.ts';

// No records: each blob is self-contained.
const packr = new Packr({ useRecords: false });

/** Little-endian, like every supported platform. A tag and bytes, because plain msgpackr corrupts a Float32Array. */
type PackedNumbers = readonly ['i4' | 'f4' | 'f8', Uint8Array];

/**
 * Takes the narrowest of int32, float32, float64 that holds every value exactly, so a replayed batch is the learnt
 * batch, bit for bit.
 */
function packNumbers(values: readonly number[]): PackedNumbers {
  if (values.every((value) => Object.is(value | 0, value))) return ['i4', bytesOf(Int32Array.from(values))];
  if (values.every((value) => Object.is(Math.fround(value), value))) return ['f4', bytesOf(Float32Array.from(values))];
  return ['f8', bytesOf(Float64Array.from(values))];
}

function unpackNumbers([tag, bytes]: PackedNumbers): number[] {
  const { buffer } = new Uint8Array(bytes); // a copy: aligned, without the rest of the slab
  if (tag === 'i4') return Array.from(new Int32Array(buffer));
  return Array.from(tag === 'f4' ? new Float32Array(buffer) : new Float64Array(buffer));
}

function bytesOf(array: Int32Array | Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

interface PackedSample {
  readonly tokens: PackedNumbers;
  readonly logprobs: PackedNumbers;
  readonly refLogprobs?: PackedNumbers;
  readonly text: string;
  readonly finish: Finish;
}

export function packSamples(samples: readonly Sample[]): Uint8Array {
  return packr.pack(samples.map(packSample));
}

function packSample({ refLogprobs, ...sample }: Sample): PackedSample {
  const packed = { ...sample, tokens: packNumbers(sample.tokens), logprobs: packNumbers(sample.logprobs) };
  return refLogprobs ? { ...packed, refLogprobs: packNumbers(refLogprobs) } : packed;
}

export function unpackSamples(blob: ArrayBuffer): readonly Sample[] {
  return unpack<PackedSample[]>(blob).map(unpackSample);
}

function unpackSample({ refLogprobs, ...packed }: PackedSample): Sample {
  const sample = { ...packed, tokens: unpackNumbers(packed.tokens), logprobs: unpackNumbers(packed.logprobs) };
  return refLogprobs ? { ...sample, refLogprobs: unpackNumbers(refLogprobs) } : sample;
}

type PackedVerdict = Omit<Verdict, 'rewards' | 'advantages'> & Record<'rewards' | 'advantages', PackedNumbers>;

export function packVerdict(verdict: Verdict): Uint8Array {
  return packr.pack({ ...verdict, rewards: packNumbers(verdict.rewards), advantages: packNumbers(verdict.advantages) });
}

export function unpackVerdict(blob: ArrayBuffer): Verdict {
  const packed = unpack<PackedVerdict>(blob);
  return { ...packed, rewards: unpackNumbers(packed.rewards), advantages: unpackNumbers(packed.advantages) };
}

type Plain = Question | StepMetrics | Evaluation | readonly Checked[];

export function packPlain(value: Plain): Uint8Array {
  return packr.pack(value);
}

export function unpack<T>(blob: ArrayBuffer): T {
  return packr.unpack(new Uint8Array(blob)) as T;
}
