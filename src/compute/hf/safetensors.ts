/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header `{name: {dtype, shape, data_offsets}}`,
 * raw data. Floating-point tensors are read as float32 whatever they are stored as; files are written atomically.
 */
import { createHash } from 'node:crypto';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { writeWhole } from '../../lib/whole-file.ts';
import { InputError } from '../../protocol/errors.ts';
import { BYTES, bfloat16, float16, toFloat32, type StoredType } from './half.ts';
import type { StoredTensor, StoredWeights } from './stored.ts';
import { f32, sizeOf, type HostTensor, type TensorMap } from '../../protocol/tensor.ts';

/** How tensors are stored: all alike, or each by its name; what has no name there is float32. */
export type StoredTypes = StoredType | Readonly<Record<string, StoredType>>;
/** Larger headers are refused, as the reference reader does. */
const MAX_HEADER = 100_000_000;
/** Node refuses single reads of 2 GiB and more. */
const MAX_READ = 2 ** 30;
const DIGEST_CHUNK = 2 ** 20;

interface Source {
  /** For messages. */
  readonly file: string;
  readonly size: number;
  /** @throws InputError when there are fewer bytes. */
  read(from: number, length: number): Promise<Uint8Array>;
}

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
type Entry = z.output<typeof entrySchema>;

/** Reads one file. @throws InputError naming file, tensor, what was expected and what was found. */
export function readSafetensors(file: string): Promise<TensorMap> {
  return withFile(file, readTensors);
}

/** Reads the bytes of a file. @param name in messages. @throws InputError as `readSafetensors`. */
export function decodeSafetensors(bytes: Uint8Array, name: string): Promise<TensorMap> {
  // Copies: a tensor takes the whole buffer of what is read, and a Buffer's own `slice` would be a view.
  return readTensors({
    file: name,
    size: bytes.length,
    read: async (from, length) => new Uint8Array(bytes.subarray(from, from + length)),
  });
}

async function readTensors(source: Source): Promise<TensorMap> {
  const { entries, start } = await readHeader(source);
  const tensors: Record<string, HostTensor> = {};
  for (const [name, entry] of Object.entries(entries)) tensors[name] = await readTensor(source, start, name, entry);
  return tensors;
}

async function withFile<T>(file: string, work: (source: Source) => Promise<T>): Promise<T> {
  const handle = await open(file, 'r').catch((error: Error) => {
    throw new InputError(`${file}: cannot be read: ${error.message}`);
  });
  try {
    return await work({
      file,
      size: (await handle.stat()).size,
      read: (from, length) => readBytes(handle, file, from, length),
    });
  } finally {
    await handle.close();
  }
}

/** Name -> where the tensor lies; reads the header alone. @throws InputError as `readSafetensors`. */
export async function locateSafetensors(file: string): Promise<StoredWeights> {
  return withFile(file, async (source) => {
    const { entries, start } = await readHeader(source);
    const real = await realpath(file);
    return Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => [name, { ...place(source, start, name, entry), file: real }]),
    );
  });
}

/**
 * Name -> digest of a tensor's type, shape and bytes: the same in whichever file the tensor stands. @throws InputError
 * as `readSafetensors`.
 */
export async function digestSafetensors(file: string): Promise<Readonly<Record<string, string>>> {
  return withFile(file, async (source) => {
    const { entries, start } = await readHeader(source);
    const digests: Record<string, string> = {};
    for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
      const hash = createHash('sha256').update(JSON.stringify([dtype, shape]));
      for (let at = offsets[0]; at < offsets[1]; at += DIGEST_CHUNK) {
        hash.update(await source.read(start + at, Math.min(DIGEST_CHUNK, offsets[1] - at)));
      }
      digests[name] = hash.digest('hex');
    }
    return digests;
  });
}

export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new InputError(`${file}: not JSON: ${(error as Error).message}`);
  }
}

async function readBytes(handle: FileHandle, file: string, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(length - at, MAX_READ), from + at);
    if (bytesRead === 0) throw new InputError(`${file}: truncated: ends at byte ${from + at}`);
    at += bytesRead;
  }
  return bytes;
}

async function readHeader(source: Source): Promise<{ entries: Record<string, Entry>; start: number }> {
  const { file, size } = source;
  if (size < 8)
    throw new InputError(`${file}: truncated: ${size} bytes, a safetensors file begins with an 8-byte header length`);
  const length = Number(new DataView((await source.read(0, 8)).buffer).getBigUint64(0, true));
  if (length > MAX_HEADER) throw new InputError(`${file}: not a safetensors file: header length ${length}`);
  if (8 + length > size)
    throw new InputError(`${file}: truncated: the header needs ${8 + length} bytes, the file has ${size}`);
  const json = parseJson(new TextDecoder().decode(await source.read(8, length)), file);
  const parsed = z.record(z.string(), z.unknown()).safeParse(json);
  if (!parsed.success) throw new InputError(`${file}: the header is not a JSON object`);
  const entries: Record<string, Entry> = {};
  for (const [name, value] of Object.entries(parsed.data)) {
    if (name === '__metadata__') continue;
    const entry = entrySchema.safeParse(value);
    if (!entry.success)
      throw new InputError(`${file}: tensor "${name}" has a malformed header entry ${JSON.stringify(value)}`);
    entries[name] = entry.data;
  }
  // Without this a small file could ask for any amount of memory, the same bytes again and again.
  const wanted = Object.values(entries).reduce((sum, { data_offsets: [from, to] }) => sum + to - from, 0);
  if (
    wanted > size - 8 - length &&
    !Object.values(entries).some(({ data_offsets: [, to] }) => to > size - 8 - length)
  ) {
    throw new InputError(
      `${file}: its tensors overlap: they need ${wanted} bytes, the file has ${size - 8 - length} for them`,
    );
  }
  return { entries, start: 8 + length };
}

async function readTensor(source: Source, start: number, name: string, entry: Entry): Promise<HostTensor> {
  const { offset, length, dtype, shape } = place(source, start, name, entry);
  const bytes = await source.read(offset, length);
  return f32(shape, toFloat32(bytes.buffer as ArrayBuffer, dtype));
}

function place({ file, size }: Source, start: number, name: string, entry: Entry): StoredTensor {
  const { shape, data_offsets: offsets } = entry;
  const dtype = entry.dtype as StoredType;
  const width = BYTES[dtype];
  if (width === undefined)
    throw new InputError(
      `${file}: tensor "${name}" has dtype ${dtype}; supported are ${Object.keys(BYTES).join(', ')}`,
    );
  const wanted = sizeOf(shape) * width;
  const [from, to] = [start + offsets[0], start + offsets[1]];
  if (to - from !== wanted) {
    throw new InputError(
      `${file}: tensor "${name}" of shape [${shape.join(', ')}] ${dtype} needs ${wanted} bytes, its offsets hold ${to - from}`,
    );
  }
  if (to > size) throw new InputError(`${file}: truncated: tensor "${name}" ends at byte ${to}, the file has ${size}`);
  return { file, offset: from, length: wanted, dtype, shape };
}

/** A reader sees the old file or the new one. */
export async function writeSafetensors(file: string, tensors: TensorMap, types: StoredTypes = 'F32'): Promise<void> {
  await writeWhole(file, encodeSafetensors(tensors, types));
}

/** The bytes of a file in pieces, some of them views of the tensors. */
export function encodeSafetensors(tensors: TensorMap, types: StoredTypes = 'F32'): readonly Uint8Array[] {
  return [...safetensorsBytes(asWritten(tensors, types))];
}

/** A tensor on its way to a file. Its bytes may be made only then, so a file may be larger than memory. */
export interface WrittenTensor {
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  /** Row-major, in pieces; as many as `dtype` and `shape` ask for. */
  bytes(): Iterable<Uint8Array>;
}

export type WrittenTensors = Readonly<Record<string, WrittenTensor>>;

export function bytesOf({ dtype, shape }: Pick<WrittenTensor, 'dtype' | 'shape'>): number {
  return sizeOf(shape) * BYTES[dtype];
}

/** Tensors in memory; each is converted to its stored type when its bytes are asked for. */
export function asWritten(tensors: TensorMap, types: StoredTypes): WrittenTensors {
  const written = Object.entries(tensors).map(([name, tensor]) => {
    const dtype = storedType(types, name);
    return [
      name,
      { dtype, shape: tensor.shape, bytes: () => [storedBytes(tensor, dtype, `tensor "${name}"`)] },
    ] as const;
  });
  return Object.fromEntries(written);
}

/** A file in pieces: the header, then each tensor's bytes, by name. */
export function* safetensorsBytes(tensors: WrittenTensors): Generator<Uint8Array> {
  yield headOf(tensors);
  for (const name of Object.keys(tensors).toSorted()) yield* tensors[name]!.bytes();
}

/** The header of a file; the tensors' bytes follow by name. */
export function headOf(tensors: Readonly<Record<string, Pick<WrittenTensor, 'dtype' | 'shape'>>>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const name of Object.keys(tensors).toSorted()) {
    const { dtype, shape } = tensors[name]!;
    const end = offset + bytesOf(tensors[name]!);
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  head.writeBigUInt64LE(BigInt(head.length - 8));
  json.copy(head, 8);
  return head;
}

export function storedType(types: StoredTypes, name: string): StoredType {
  return typeof types === 'string' ? types : (types[name] ?? 'F32');
}

function storedBytes({ data }: Pick<HostTensor, 'data'>, dtype: StoredType, what: string): Uint8Array {
  return asStored(data instanceof Float32Array ? data : Float32Array.from(data), dtype, what);
}

/** @param what names the values in errors. @throws InputError when a number is too large for `dtype`. */
export function asStored(values: Float32Array, dtype: StoredType, what: string): Uint8Array {
  const stored = dtype === 'F32' ? values : dtype === 'BF16' ? bfloat16(values) : float16(values, what);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
