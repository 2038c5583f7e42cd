/**
 * The path of a user with a checkpoint of the hub and a Parquet file, by the command line alone: a hub cache with
 * sharded bfloat16 weights behind symbolic links, pictures in rows, LoRA, a step, a restart, a second step, export.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { locateCheckpoint } from '../../src/compute/hf/shards.ts';
import { readStored } from '../../src/compute/hf/stored.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { writeRandomModel } from '../../src/pretrain/random/folder.ts';
import { RANDOM_SHAPES } from '../../src/pretrain/random/shapes.ts';
import type { Report } from '../../src/protocol/status.ts';
import { png } from '../support/png.ts';
import { nodeArguments } from '../support/script.ts';
import { temporaryFolder } from '../support/temporary.ts';

const QUORUM = nodeArguments(new URL('../support/quorum.ts', import.meta.url));
const MINUTES = 60_000;
/** Five files for 0.1b. */
const SHARD_BYTES = 60e6;

/** A snapshot of links to blobs, as huggingface_hub keeps a model. */
async function hubSnapshot(root: string): Promise<string> {
  const plain = join(root, 'plain');
  await writeRandomModel({
    folder: plain,
    shape: RANDOM_SHAPES['0.1b'],
    dtype: 'BF16',
    seed: 0,
    shardBytes: SHARD_BYTES,
  });
  const [blobs, snapshot] = ['blobs', join('snapshots', 'c0ffee')].map((name) =>
    join(root, 'models--me--random', name),
  );
  for (const folder of [blobs!, snapshot!]) mkdirSync(folder, { recursive: true });
  for (const [i, name] of readdirSync(plain).entries()) {
    const blob = `blob-${i}`;
    renameSync(join(plain, name), join(blobs!, blob));
    symlinkSync(join('..', '..', 'blobs', blob), join(snapshot!, name));
  }
  return snapshot!;
}

/** Questions in the columns of Geometry3K, each with a picture of another size. */
async function questions(file: string): Promise<string> {
  const rows = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => ({
      images: [{ bytes: new Uint8Array(await png(120 + 40 * i, 160)), path: `${i}.png` }],
      problem: `<image>Find x in figure ${i}.`,
      answer: `${i}`,
    })),
  );
  const optional = { repetition_type: 'OPTIONAL' } as const;
  const text = (name: string) => ({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional }) as const;
  await parquetWriteRows({
    writer: fileWriter(file),
    rows,
    columns: ['images', 'problem', 'answer'].map((name) => ({ name })),
    schema: [
      { name: 'root', num_children: 3 },
      { name: 'images', converted_type: 'LIST', num_children: 1, ...optional },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', num_children: 2, ...optional },
      { name: 'bytes', type: 'BYTE_ARRAY', ...optional },
      text('path'),
      text('problem'),
      text('answer'),
    ],
  });
  return file;
}

test(
  'a sharded bfloat16 model of the hub is sampled, learns from Parquet with pictures, continues, and is exported whole',
  async () => {
    const root = temporaryFolder();
    const model = await hubSnapshot(root);
    const input: ConfigInput = {
      model,
      data: { type: 'parquet', trainFile: await questions(join(root, 'train.parquet')), heldOutShare: 0.2 },
      prompt: { preset: 'mm-upt' },
      runFolder: join(root, 'run'),
      seed: 1,
      sampling: { samples: 2, maxNewTokens: 12, temperature: 1 },
      loop: { batchGroups: 2, jobQuestions: 2 },
      learner: {
        adapter: { type: 'lora', rank: 8 },
        learningRate: 1e-2,
        warmupSteps: 0,
        // Random weights box no answer, so all rewards are equal and teach nothing.
        entropy: { coefficient: 1 },
      },
      filters: { dropAllAgree: false, dropNoBox: false, shareFloor: 0 },
      evaluation: { questions: 1, fullQuestions: 1, k: 2, everySteps: 100 },
      checkpoints: { everySteps: 1 },
      guardian: { mode: 'off' },
      dashboard: { port: null },
    };
    writeFileSync(join(root, 'quorum.config.json'), JSON.stringify(input));
    const quorum = async (...args: string[]): Promise<string> => {
      const env = { ...process.env, XDG_CACHE_HOME: join(root, 'cache') };
      const { stdout } = await promisify(execFile)(process.execPath, [...QUORUM, ...args], { cwd: root, env });
      return stdout;
    };
    const started = async (steps: number): Promise<Report> => {
      const lines = (await quorum('start', '--steps', String(steps), '--json')).trim().split('\n');
      return JSON.parse(lines.at(-1)!) as Report;
    };

    expect(await started(1)).toMatchObject({ type: 'report', steps: 1, saved: 1, end: 'steps' });
    expect(await started(2)).toMatchObject({ type: 'report', steps: 2, saved: 2, end: 'steps' });
    expect(readdirSync(join(input.runFolder!, 'pictures')).length).toBeGreaterThan(1);

    for (const version of ['1', '2']) await quorum('export', '--version', version, '--out', join(root, version));
    await quorum('export', '--merged', '--out', join(root, 'merged'));
    const [base, merged] = [await locateCheckpoint(model), await locateCheckpoint(join(root, 'merged'))];
    expect(Object.keys(merged).toSorted()).toEqual(Object.keys(base).toSorted());
    expect(new Set(Object.values(merged).map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));
    const same = async (name: string): Promise<boolean> => {
      const [a, b] = [await readStored(base[name]!), await readStored(merged[name]!)];
      return Buffer.from(a.data.buffer).equals(Buffer.from(b.data.buffer));
    };
    expect(await same('model.embed_tokens.weight')).toBe(true);
    expect(await same('model.layers.0.self_attn.q_proj.weight')).toBe(false);
    const adapters = ['1', '2'].map((version) => readFileSync(join(root, version, 'adapter_model.safetensors')));
    expect(adapters[0]!.equals(adapters[1]!)).toBe(false);

    const answer = await quorum(
      'ask',
      '--model',
      join(root, 'merged'),
      '--question',
      'What is 1 + 1?',
      '--set',
      'sampling.maxNewTokens=4',
    );
    expect(answer.trim()).not.toBe('');
  },
  10 * MINUTES,
);
