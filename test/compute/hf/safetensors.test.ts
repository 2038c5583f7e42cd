import { float16, toFloat32 } from '../../../src/compute/hf/half.ts';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { readCheckpoint, writeCheckpoint } from '../../../src/compute/hf/shards.ts';
import { InputError } from '../../../src/protocol/errors.ts';
import { f32 } from '../../../src/protocol/tensor.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A file by hand: header and data. */
async function craft(name: string, header: unknown, data: Uint8Array): Promise<string> {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = join(folder, name);
  await writeFile(file, Buffer.concat([length, json, data]));
  return file;
}

test('float32 comes back bit for bit', async () => {
  const file = join(folder, 'round.safetensors');
  const values = fc.float32Array({ minLength: 6, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(values, async (data) => {
      await writeSafetensors(file, { 'a.weight': f32([2, 3], data), empty: f32([0, 4]) });
      const read = await readSafetensors(file);
      expect(read['a.weight']!.shape).toEqual([2, 3]);
      expect(Buffer.from(read['a.weight']!.data.buffer)).toEqual(
        Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      );
      expect(read['empty']!.data.length).toBe(0);
    }),
    { numRuns: 30, seed: 3 },
  );
});

test('bfloat16 rounds to nearest, ties to even', async () => {
  const file = join(folder, 'bf16.safetensors');
  // 1 + 2^-8 lies half-way between 1 and 1 + 2^-7; 1 + 3 * 2^-8 between 1 + 2^-7 and 1 + 2^-6.
  const data = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -0, Infinity, NaN, 3.4e38);
  await writeSafetensors(file, { w: f32([7], data) }, 'BF16');
  expect([...(await readSafetensors(file))['w']!.data]).toEqual([
    1,
    1 + 2 ** -6,
    1 + 2 ** -7,
    -0,
    Infinity,
    NaN,
    Infinity,
  ]);
});

test('float16 is read exactly, subnormals and infinities included', async () => {
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x8000);
  const file = await craft(
    'half.safetensors',
    { h: { dtype: 'F16', shape: [9], data_offsets: [0, 18] } },
    new Uint8Array(halves.buffer),
  );
  expect([...(await readSafetensors(file))['h']!.data]).toEqual([
    1,
    -2,
    2 ** -24,
    1023 * 2 ** -24,
    2 ** -14,
    65504,
    Infinity,
    -Infinity,
    -0,
  ]);
});

test('a write that fails leaves the old file and nothing else', async () => {
  const place = await mkdtemp(join(folder, 'atomic-'));
  const file = join(place, 'model.safetensors');
  await writeSafetensors(file, { w: f32([1], [7]) });
  const before = await readFile(file);
  const broken = {
    dtype: 'float32',
    shape: [1],
    get data(): Float32Array {
      throw new Error('disk on fire');
    },
  } as const;
  await expect(writeSafetensors(file, { w: broken })).rejects.toThrow('disk on fire');
  expect(await readFile(file)).toEqual(before);
  expect(await readdir(place)).toEqual(['model.safetensors']);
});

test('what does not fit one file is sharded, with an index, and comes back the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 4, max: 60 }),
      async (sizes, limit) => {
        const place = await mkdtemp(join(folder, 'shards-'));
        const tensors = Object.fromEntries(
          sizes.map((size, i) => [
            `t${i}`,
            f32(
              [size],
              Float32Array.from({ length: size }, (_, at) => i + at / 8),
            ),
          ]),
        );
        const files = await writeCheckpoint(place, tensors, 'F32', limit);
        const written = await readdir(place);
        expect(written.toSorted()).toEqual(
          [...files, ...(files.length > 1 ? ['model.safetensors.index.json'] : [])].toSorted(),
        );
        const back = await readCheckpoint(place);
        for (const [name, { shape, data }] of Object.entries(tensors))
          expect(back[name]).toEqual({ dtype: 'float32', shape, data });
        expect(Object.keys(back)).toHaveLength(sizes.length);
        for (const file of files) {
          const bytes = Object.values(await readSafetensors(join(place, file))).map(({ data }) => 4 * data.length);
          const sum = bytes.reduce((total, each) => total + each, 0);
          expect(sum <= limit || bytes.filter((each) => each > 0).length === 1).toBe(true);
        }
        await rm(place, { recursive: true });
      },
    ),
    { numRuns: 40 },
  );
});

test('a whole checkpoint goes before an index, as in transformers', async () => {
  const place = await mkdtemp(join(folder, 'both-'));
  await writeSafetensors(join(place, 'model.safetensors'), { x: f32([1], [1]) });
  await writeSafetensors(join(place, 'old.safetensors'), { x: f32([1], [2]) });
  await writeFile(
    join(place, 'model.safetensors.index.json'),
    JSON.stringify({ weight_map: { x: 'old.safetensors' } }),
  );
  expect([...(await readCheckpoint(place))['x']!.data]).toEqual([1]);
});

describe('malformed files', () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const bad: Record<string, [unknown, number, RegExp]> = {
    'data cut short': [{ w: entry }, 5, /truncated: tensor "w" ends at byte \d+, the file has \d+/],
    'offsets that do not fit the shape': [
      { w: { ...entry, shape: [3] } },
      8,
      /tensor "w" of shape \[3\] F32 needs 12 bytes, its offsets hold 8/,
    ],
    'an unknown dtype': [{ w: { ...entry, dtype: 'F8_E4M3' } }, 8, /tensor "w" has dtype F8_E4M3/],
    'an entry without a shape': [
      { w: { dtype: 'F32', data_offsets: [0, 8] } },
      8,
      /tensor "w" has a malformed header entry/,
    ],
    'a header that is no object': [[1, 2], 0, /the header is not a JSON object/],
  };
  test.each(Object.keys(bad))('%s', async (name) => {
    const [header, size, message] = bad[name]!;
    const file = await craft('bad.safetensors', header, new Uint8Array(size));
    await expect(readSafetensors(file)).rejects.toThrow(message);
    await expect(readSafetensors(file)).rejects.toThrow(file);
    await expect(readSafetensors(file)).rejects.toBeInstanceOf(InputError);
  });

  test('every prefix of a file is refused', async () => {
    const file = join(folder, 'whole.safetensors');
    await writeSafetensors(file, { w: f32([2], [1, 2]) });
    const bytes = await readFile(file);
    const cut = join(folder, 'cut.safetensors');
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(cut, bytes.subarray(0, length));
      await expect(readSafetensors(cut)).rejects.toBeInstanceOf(InputError);
    }
  });

  test('a missing file is named', async () => {
    await expect(readCheckpoint(join(folder, 'nowhere'))).rejects.toThrow(
      /nowhere\/model\.safetensors: cannot be read/,
    );
  });

  test('an index that names a missing tensor, a missing shard, or a path outside', async () => {
    const place = await mkdtemp(join(folder, 'shards-'));
    await writeSafetensors(join(place, 'a.safetensors'), { x: f32([1], [1]) });
    const index = (map: unknown) =>
      writeFile(join(place, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    await index({ x: 'a.safetensors', y: 'a.safetensors' });
    await expect(readCheckpoint(place)).rejects.toThrow(/a\.safetensors: tensor "y" is missing/);
    await index({ x: 'b.safetensors' });
    await expect(readCheckpoint(place)).rejects.toThrow(/b\.safetensors: cannot be read/);
    await index({ x: '../a.safetensors' });
    await expect(readCheckpoint(place)).rejects.toThrow(/outside the folder/);
  });
});

test('float16 holds every half as it was and rounds to the nearest, the even one of two', () => {
  const halves = Uint16Array.from({ length: 0x7c01 }, (_, i) => i);
  const values = toFloat32(halves.slice().buffer, 'F16');
  expect(float16(values, 'w')).toEqual(halves);
  expect(
    float16(
      values.map((value) => -value),
      'w',
    ),
  ).toEqual(halves.map((half) => half | 0x8000));
  // Between two neighbours: the middle rounds to the even neighbour, any other value to the nearer.
  const middles = Float32Array.from({ length: 0x7bff }, (_, i) => (values[i]! + values[i + 1]!) / 2);
  expect(float16(middles, 'w')).toEqual(Uint16Array.from(middles, (_, i) => i + (i % 2)));
  expect(
    float16(
      middles.map((value) => value * (1 - 2 ** -20)),
      'w',
    ),
  ).toEqual(Uint16Array.from(middles, (_, i) => i));
  expect(
    float16(
      middles.map((value) => value * (1 + 2 ** -20)),
      'w',
    ),
  ).toEqual(Uint16Array.from(middles, (_, i) => i + 1));
  expect(() => float16(Float32Array.of(1, 65_520), 'tensor "w"')).toThrow(
    /^tensor "w": 65520 is too large for float16.*BF16 or F32/,
  );
  expect(Number.isNaN(toFloat32(float16(Float32Array.of(Number.NaN), 'w').slice().buffer, 'F16')[0])).toBe(true);
});
