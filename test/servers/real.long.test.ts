/**
 * Runs with real servers, `npm run test:servers`; a test whose server is not named in the environment is skipped.
 * docs/development.md says how to start them on a processor.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { completeConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import sglang from '../../src/plugins/sglang.ts';
import vllm from '../../src/plugins/vllm.ts';
import { readHistory } from '../../src/store/read-history.ts';
import { temporaryFolder } from '../support/temporary.ts';

const { VLLM_URL, VLLM_FOLDER, VLLM_ADAPTERS_URL, SGLANG_URL, SGLANG_ADAPTERS_URL, TINKER_URL, TINKER_MODEL } =
  process.env;
const FIFTEEN_MINUTES = 900_000;
/** Nats a token, in float32. */
const SAME = 1e-5;

/** Runs until the given version. @returns the distance of the log-probabilities of sampler and learner at each step. */
async function gaps(settings: ConfigInput, steps: number): Promise<readonly number[]> {
  const { config } = completeConfig({
    model: 'models/mini',
    seed: 1,
    dashboard: { port: null },
    guardian: { mode: 'off' },
    ...settings,
    loop: { batchGroups: 4, jobQuestions: 8, maxStaleness: 0, steps },
    evaluation: { everySteps: 1_000, fullEverySteps: 1_000, questions: 8 },
  });
  const daemon = await startDaemon(config);
  await daemon.closed();
  const notes = daemon.status().notes.map(({ text }) => text);
  // A stop ends a job in hand, which says so, too.
  expect(notes.filter((text) => / is out: (?!.* is stopped;)/.test(text))).toEqual([]);
  expect(daemon.status().actors.filter(({ state }) => state === 'parked')).toEqual([]);
  return readHistory(config.runFolder).flatMap(({ values }) => values['samplerGap'] ?? []);
}

test.skipIf(VLLM_URL === undefined)(
  'vLLM samples each version of a whole model with the log-probabilities of the learner',
  async () => {
    const samples = {
      use: vllm,
      options: { urls: VLLM_URL, model: 'mini', modelFolder: VLLM_FOLDER },
    };
    const lanes = { runFolder: join(temporaryFolder(), 'run'), workers: { rolloutWorkers: 2 } };
    const found = await gaps({ ...lanes, plugins: [samples] }, 3);
    expect(found).toHaveLength(3);
    expect(Math.max(...found)).toBeLessThan(SAME);
  },
  FIFTEEN_MINUTES,
);

test.skipIf(VLLM_ADAPTERS_URL === undefined)(
  'vLLM samples each version of an adapter, of the vision tower too, with the log-probabilities of the learner',
  async () => {
    const settings: ConfigInput = {
      runFolder: join(temporaryFolder(), 'run'),
      workers: { rolloutWorkers: 2 },
      learner: { adapter: { type: 'lora', rank: 8, vision: true }, learningRate: 3e-3 },
      plugins: [{ use: vllm, options: { urls: VLLM_ADAPTERS_URL, model: 'mini' } }],
    };
    const found = await gaps(settings, 3);
    expect(found).toHaveLength(3);
    expect(Math.max(...found)).toBeLessThan(SAME);
  },
  FIFTEEN_MINUTES,
);

test.skipIf(SGLANG_URL === undefined)(
  'SGLang samples each version of a whole model, its vision tower too, with the log-probabilities of the learner',
  async () => {
    const found = await gaps(
      {
        runFolder: join(temporaryFolder(), 'run'),
        workers: { rolloutWorkers: 2 },
        learner: { learningRate: 1e-3 },
        plugins: [{ use: sglang, options: { urls: SGLANG_URL, model: 'mini' } }],
      },
      3,
    );
    expect(found).toHaveLength(3);
    expect(Math.max(...found)).toBeLessThan(SAME);
  },
  FIFTEEN_MINUTES,
);

test.skipIf(SGLANG_ADAPTERS_URL === undefined)(
  'SGLang samples each version of an adapter with the log-probabilities of the learner',
  async () => {
    const settings: ConfigInput = {
      runFolder: join(temporaryFolder(), 'run'),
      workers: { rolloutWorkers: 2 },
      learner: { adapter: { type: 'lora', rank: 8 }, learningRate: 3e-3 },
      plugins: [{ use: sglang, options: { urls: SGLANG_ADAPTERS_URL, model: 'mini' } }],
    };
    const found = await gaps(settings, 3);
    expect(found).toHaveLength(3);
    expect(Math.max(...found)).toBeLessThan(SAME);
  },
  FIFTEEN_MINUTES,
);

/** A reward that answers of any model have, a random one's too: whether the sum of the tokens is even. */
const parity = definePlugin({
  name: 'parity',
  apiVersion: API_VERSION,
  ports: {
    reward:
      () =>
      ({ group }) => ({
        rewards: group.samples.map(({ tokens }) => 1 - (tokens.reduce((sum, token) => sum + token, 0) % 2)),
        verified: true,
      }),
  },
});

test.skipIf(TINKER_URL === undefined)(
  'a Tinker API server learns, samples each version as it learns it, and continues after a restart',
  async () => {
    const folder = temporaryFolder();
    const rows = Array.from({ length: 64 }, (_, i) => ({
      problem: `How large is ${i}+4?`,
      images: [],
      answer: `${i + 4}`,
    }));
    writeFileSync(join(folder, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const settings: ConfigInput = {
      runFolder: join(folder, 'run'),
      data: { type: 'files', trainFile: join(folder, 'rows.jsonl') },
      workers: { engine: 'tinker' },
      tinker: { url: TINKER_URL, model: TINKER_MODEL ?? './tinyqwen3' },
      learner: { adapter: { type: 'lora', rank: 4 }, learningRate: 1e-3 },
      sampling: { samples: 4, maxNewTokens: 8 },
      filters: { dropAllAgree: false },
      plugins: [parity],
    };
    expect(await gaps(settings, 2)).toHaveLength(2);
    const found = await gaps(settings, 3);
    expect(found).toHaveLength(3);
    expect(Math.max(...found)).toBeLessThan(1e-3);
  },
  FIFTEEN_MINUTES,
);
