/** The header of a safetensors file: 8 bytes with its length, then JSON; the tensors' bytes follow. */
import { open } from 'node:fs/promises';
import { z } from 'zod';

const tensor = z.object({
  dtype: z.string(),
  shape: z.array(z.int()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const METADATA = '__metadata__';
const header = z.record(z.string(), z.unknown());

/** A tensor's bytes in its file are [from, to). */
export interface TensorBytes {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

export async function locateTensors(path: string): Promise<ReadonlyMap<string, TensorBytes>> {
  const file = await open(path);
  try {
    const { buffer: length } = await file.read(Buffer.alloc(8), 0, 8, 0);
    const size = Number(length.readBigUInt64LE());
    const { buffer: text } = await file.read(Buffer.alloc(size), 0, size, 8);
    const fields = Object.entries(header.parse(JSON.parse(text.toString()))).filter(([name]) => name !== METADATA);
    return new Map(fields.map(([name, entry]) => [name, placed(tensor.parse(entry), 8 + size)]));
  } finally {
    await file.close();
  }
}

function placed({ data_offsets: [from, to], ...rest }: z.output<typeof tensor>, start: number): TensorBytes {
  return { ...rest, from: start + from, to: start + to };
}

/** What comes before the bytes of the only tensor of a file. */
export function headerOf(name: string, { dtype, shape, from, to }: TensorBytes): Buffer {
  const text = Buffer.from(JSON.stringify({ [name]: { dtype, shape, data_offsets: [0, to - from] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}
