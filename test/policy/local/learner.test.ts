import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { decodeSafetensors, readSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { openFigures, TRAIN_POOL } from '../../../src/data/figures/dataset.ts';
import type { AdapterSettings } from '../../../src/compute/models/adapters.ts';
import { loadModelFolder } from '../../../src/compute/models/folder.ts';
import { encodeQuestion } from '../../../src/compute/rollout/prompts.ts';
import { Scorer } from '../../../src/compute/training/score.ts';
import { exportCheckpoint } from '../../../src/cli/export-checkpoint.ts';
import { configSchema, type Config } from '../../../src/config/schema.ts';
import type { PolicyOrigin } from '../../../src/policy/policy.ts';
import type { SampleRequest } from '../../../src/protocol/ports.ts';
import type { Batch, Question, Sample } from '../../../src/protocol/messages.ts';
import { Checkpoints } from '../../../src/store/checkpoints.ts';
import { groupsAPass } from '../../../src/policy/local/open.ts';
import { batchOf, judged } from '../../support/batches.ts';
import { openLocal, type OpenPolicy } from '../../support/local-policy.ts';
import { ThreadFaults } from '../../support/thread-faults.ts';
import { temporaryFolder, writeTinyFolder, type TemporaryFolder } from '../../support/tiny-folder.ts';

let folder: TemporaryFolder;
let config: Config;

beforeAll(async () => {
  folder = await temporaryFolder();
  const model = join(folder.path, 'base');
  await writeTinyFolder(model, 1);
  config = configSchema.parse({
    model,
    workers: { rolloutWorkers: 1 },
    sampling: { samples: 4, temperature: 1 },
    learner: { learningRate: 3e-3, warmupSteps: 0, schedule: { type: 'constant' }, minibatches: 2, betas: [0.9, 0.99] },
    timeouts: { openSeconds: 60, sampleSeconds: 60, learnSeconds: 60, saveSeconds: 60 },
  });
});

afterAll(() => folder[Symbol.asyncDispose]());

const params = { samples: 4, temperature: 1, topP: 1, topK: 0, maxNewTokens: 8 };

const figures = openFigures(TRAIN_POOL);
const questions = (count: number): Question[] =>
  Array.from({ length: count }, (_, i) => figures.dataset.question(i * 7));

const opened = (origin?: PolicyOrigin): Promise<OpenPolicy> => openLocal(config, origin);

/** Samples with `version` and makes the batch that rewards long answers; it needs no label. */
async function batch(policy: OpenPolicy, id: number, version: number, parent: number): Promise<Batch> {
  const asked = questions(4);
  const request: SampleRequest = { questions: asked, params, seed: 5 + id, version, reference: true };
  const { groups } = await policy.sampler.sample(request);
  return batchOf(
    id,
    parent,
    groups.map((samples, q) => judged(asked[q]!, samples, version, q, (_, i) => (i % 2 === 0 ? 1 : -1))),
  );
}

describe('a local learner and its sampler', { timeout: 120_000 }, () => {
  it('samples, learns, and samples from what it learnt; learner and sampler agree on the log-probabilities', async () => {
    const correction = { type: 'truncated', level: 'token', groups: 'all', lower: 0, cap: 2 } as const;
    await using policy = await openLocal({ ...config, learner: { ...config.learner, correction } });
    expect(policy.learner.current).toBe(0);
    const first = await batch(policy, 0, 0, 0);
    for (const { group } of first.groups) {
      expect(group.samples).toHaveLength(4);
      for (const { tokens, logprobs, refLogprobs } of group.samples) {
        expect(logprobs).toHaveLength(tokens.length);
        // Version 0 is the base: the sampler's decode program and the scorer's forward program must agree.
        logprobs.forEach((logprob, t) => expect(refLogprobs![t]).toBeCloseTo(logprob, 4));
      }
    }
    const { version, metrics } = await policy.learner.step(first);
    expect(version).toMatchObject({ n: 1, parent: 0, batchId: 0 });
    expect(metrics.tokens).toBe(
      first.groups.flatMap(({ group }) => group.samples).reduce((sum, { tokens }) => sum + tokens.length, 0),
    );
    expect(metrics.ratio).toBeCloseTo(1, 0);
    expect(metrics.gradNorm).toBeGreaterThan(0);
    expect(metrics.mismatch).toBeLessThan(1e-4);
    expect(metrics.samplerGap).toBeLessThan(1e-5);
    expect(metrics.samplerGapMax).toBeLessThan(1e-4);
    expect(policy.learner.current).toBe(1);
    const second = await batch(policy, 1, 1, 1);
    expect((await policy.learner.step(second)).metrics.mismatch).toBeLessThan(1e-4);
    expect(
      second.groups.some(({ group }) =>
        group.samples.some(({ logprobs, refLogprobs }) =>
          logprobs.some((value, t) => Math.abs(value - refLogprobs![t]!) > 1e-3),
        ),
      ),
    ).toBe(true);
  });

  it('takes bit-identical steps with the same seed, also after a save and a restart with both threads new', async () => {
    const saved = join(folder.path, 'v1');
    const run = async (restart: boolean): Promise<Buffer> => {
      let policy = await opened();
      try {
        await policy.learner.step(await batch(policy, 0, 0, 0));
        if (restart) {
          await policy.learner.save(1, saved);
          await policy[Symbol.asyncDispose]();
          policy = await opened({ checkpoint: { version: 1, folder: saved } });
          expect(policy.learner.current).toBe(1);
        }
        await policy.learner.step(await batch(policy, 1, 1, 1));
        const out = join(folder.path, `end-${restart}`);
        await policy.learner.save(2, out);
        return Buffer.concat(
          await Promise.all(['model.safetensors', 'optimizer.safetensors'].map((name) => readFile(join(out, name)))),
        );
      } finally {
        await policy[Symbol.asyncDispose]();
      }
    };
    expect((await run(false)).equals(await run(true))).toBe(true);
  });

  it('trains an adapter to the frozen base: bit-identical after a restart and a roll-back, in files of PEFT, and asked as a model', async () => {
    const adapter: AdapterSettings = { type: 'lora', rank: 2, alpha: 8, targets: ['q_proj', 'down_proj'] };
    // The folder exists, so that the rows of pictures are kept in it, as in a run.
    const runFolder = join(folder.path, 'run');
    await mkdir(runFolder);
    const adapted: Config = { ...config, runFolder, seed: 3, learner: { ...config.learner, adapter } };
    const [v1, v2, rolledBack, again] = ['a1', 'a2', 'a3', 'a4'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
      string,
    ];
    const stored = async (from: string): Promise<Buffer> =>
      Buffer.concat(
        await Promise.all(['adapter_model', 'optimizer'].map((name) => readFile(join(from, `${name}.safetensors`)))),
      );
    await using policy = await openLocal(adapted);
    const first = await batch(policy, 0, 0, 0);
    for (const { logprobs, refLogprobs } of first.groups.flatMap(({ group }) => group.samples))
      logprobs.forEach((logprob, t) => expect(refLogprobs![t]).toBeCloseTo(logprob, 4));
    await policy.learner.step(first);
    await policy.learner.save(1, v1);
    const second = await batch(policy, 1, 1, 1);
    expect((await policy.learner.step(second)).metrics.kl).toBeGreaterThan(0);
    await policy.learner.save(2, v2);
    await policy.learner.restore(v1, 1, 3);
    await policy.learner.save(3, rolledBack);
    expect(await stored(rolledBack)).toEqual(await stored(v1));
    expect(await stored(v2)).not.toEqual(await stored(v1));

    expect((await readdir(v1)).toSorted()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'optimizer.safetensors',
      'trainer_state.json',
    ]);
    const tensors = async (name: string) => Object.keys(await readSafetensors(join(v1, `${name}.safetensors`))).length;
    expect([await tensors('adapter_model'), await tensors('optimizer')]).toEqual([4, 8]);

    await using resumed = await openLocal(adapted, { checkpoint: { version: 1, folder: v1 } });
    await resumed.learner.step(second);
    await resumed.learner.save(2, again);
    expect(await stored(again)).toEqual(await stored(v2));

    const run = join(folder.path, 'run');
    await (await Checkpoints.open(join(run, 'checkpoints'))).save(2, (draft) => cp(v2, draft, { recursive: true }));
    const [alone, model] = [join(folder.path, 'alone'), join(folder.path, 'merged')];
    await exportCheckpoint({ runFolder: run, out: alone });
    expect((await readdir(alone)).toSorted()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    expect(await readFile(join(alone, 'adapter_model.safetensors'))).toEqual(
      await readFile(join(v2, 'adapter_model.safetensors')),
    );
    await exportCheckpoint({ runFolder: run, out: model, merged: true });
    expect(await readdir(model)).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    expect(await readdir(model)).not.toContain('adapter_config.json');

    await using asked = await openLocal({ ...config, model });
    const request = { questions: questions(4), params: { ...params, temperature: 0 }, seed: 1 };
    const tokens = async (of: OpenPolicy, version: number) =>
      (await of.sampler.sample({ ...request, version })).groups.flatMap((group) =>
        group.map((sample) => sample.tokens),
      );
    expect(await tokens(asked, 0)).toEqual(await tokens(resumed, 2));
    await expect(asked.learner.restore(v1, 1, 2)).rejects.toThrow(
      'holds an adapter, but `learner.adapter.type` is "none"',
    );
    await asked.learner.save(0, join(folder.path, 'whole'));
    await expect(policy.learner.restore(join(folder.path, 'whole'), 0, 4)).rejects.toThrow(
      'holds a whole model, but `learner.adapter` asks for an adapter',
    );
  });

  it('goes back to a saved version as a new one, bit by bit, moments included', async () => {
    await using policy = await opened();
    policy.learner.retain(0);
    await policy.learner.step(await batch(policy, 0, 0, 0));
    const [v1, v3] = [join(folder.path, 'back-1'), join(folder.path, 'back-3')];
    await policy.learner.save(1, v1);
    policy.learner.retain(1);
    const second = await batch(policy, 1, 1, 1);
    await policy.learner.step(second);
    await policy.learner.restore(v1, 1, 3);
    expect(policy.learner.current).toBe(3);
    await policy.learner.save(3, v3);
    for (const name of ['model.safetensors', 'optimizer.safetensors']) {
      expect((await readFile(join(v3, name))).equals(await readFile(join(v1, name)))).toBe(true);
    }
    const asBefore = await policy.learner.step({ ...second, id: 2, parent: 3 });
    expect(asBefore.version).toMatchObject({ n: 4, parent: 3 });
    await expect(policy.learner.restore(v1, 2, 5)).rejects.toThrow('holds version 1, not 2');
    expect(policy.learner.current).toBe(4);
  });

  it('takes no step that is not sound or that fails, and the next one is the same to the bit as without them', async () => {
    const saved = async (policy: OpenPolicy, name: string): Promise<Buffer> => {
      await policy.learner.save(policy.learner.current, join(folder.path, name));
      return Buffer.concat(
        await Promise.all(
          ['model.safetensors', 'optimizer.safetensors'].map((file) => readFile(join(folder.path, name, file))),
        ),
      );
    };
    const changed = (original: Batch, change: (sample: Sample) => Sample): Batch => ({
      ...original,
      groups: original.groups.map(({ group, verdict }) => ({
        verdict,
        group: { ...group, samples: group.samples.map(change) },
      })),
    });
    await using plain = await opened();
    await plain.learner.step(await batch(plain, 0, 0, 0));
    const [before, next] = [await saved(plain, 'sound-1'), await batch(plain, 4, 1, 1)];
    await plain.learner.step(next);

    await using policy = await opened();
    await policy.learner.step(await batch(policy, 0, 0, 0));
    const good = await batch(policy, 1, 1, 1);
    const offBase = changed(good, (sample) => ({
      ...sample,
      refLogprobs: sample.refLogprobs!.map((logprob) => logprob + 1000),
    }));
    await expect(policy.learner.step(offBase)).rejects.toMatchObject({
      name: 'UnsoundStepError',
      message: expect.stringMatching(/its KL to the base is \d+/),
    });
    const offSampler = changed(good, (sample) => ({
      ...sample,
      logprobs: sample.logprobs.map((logprob) => logprob - 1000),
    }));
    await expect(policy.learner.step({ ...offSampler, id: 2 })).rejects.toThrow(/its mean importance ratio is \d+/);
    const poisoned = changed(good, (sample) => ({ ...sample, tokens: sample.tokens.map((token) => token + 999_999) }));
    await expect(policy.learner.step({ ...poisoned, id: 3 })).rejects.toThrow();
    expect(policy.learner.current).toBe(1);
    expect((await saved(policy, 'sound-2')).equals(before)).toBe(true);
    await policy.learner.step(next);
    expect((await saved(policy, 'sound-3')).equals(await saved(plain, 'sound-4'))).toBe(true);
  });

  it('refuses a step whose sampler gives the log-probabilities of another policy', async () => {
    await using policy = await opened();
    const first = await batch(policy, 0, 0, 0);
    const other = {
      ...first,
      groups: first.groups.map(({ group, verdict }) => ({
        verdict,
        group: {
          ...group,
          samples: group.samples.map((sample) => ({
            ...sample,
            logprobs: sample.logprobs.map((logprob, t) => logprob - (t % 2 === 0 ? 6 : -6)),
          })),
        },
      })),
    };
    await expect(policy.learner.step(other)).rejects.toThrow(
      /its mean distance of the log-probabilities of learner and sampler is [56]\.\d+ \(bounds: 0 to 5\)/,
    );
  });

  it('repeats passes and scores that find no memory in smaller ones, tells so, and gets the same within rounding', async () => {
    using faults = new ThreadFaults();
    await using policy = await opened();
    const notes: string[] = [];
    for (const part of [policy.learner, policy.sampler]) part.onNote((text) => notes.push(text));
    const whole = await batch(policy, 0, 0, 0);
    faults.order('sample', 'full');
    const parts = await batch(policy, 0, 0, 0);
    expect(notes).toEqual([expect.stringMatching(/^no memory to score \d+ tokens at once/)]);
    const sampled = (of: Batch) => of.groups.flatMap(({ group }) => group.samples);
    sampled(parts).forEach(({ tokens, refLogprobs }, i) => {
      expect(tokens).toEqual(sampled(whole)[i]!.tokens);
      refLogprobs!.forEach((logprob, t) => expect(logprob).toBeCloseTo(sampled(whole)[i]!.refLogprobs![t]!, 5));
    });
    faults.order('learn', 'full');
    const { metrics } = await policy.learner.step(whole);
    expect(notes.slice(1)).toEqual([expect.stringMatching(/^the learner has no memory for passes of \d+ tokens/)]);
    await using plain = await opened();
    const expected = (await plain.learner.step(whole)).metrics;
    for (const name of ['loss', 'kl', 'entropy', 'gradNorm'] as const)
      expect(metrics[name]).toBeCloseTo(expected[name], 4);
  });

  it('scores the reference with adapters at zero bit for bit as the base alone is scored, after a step too', async () => {
    const adapter = { type: 'lora' as const };
    await using policy = await openLocal(configSchema.parse({ ...config, learner: { ...config.learner, adapter } }));
    await policy.learner.step(await batch(policy, 0, 0, 0));
    const base = await loadModelFolder(config.model);
    await using engine = await createEngine('cpu', { threads: 1 });
    const running = { engine, model: base.model, weights: base.params };
    const later = await batch(policy, 1, 1, 1);
    const groups = [];
    for (const { group } of later.groups)
      groups.push({
        prompt: await encodeQuestion(base, group.question),
        responses: group.samples.map(({ tokens }) => tokens),
      });
    const scored = await new Scorer({ groups: groupsAPass(config) }).score(running, groups, 1);
    expect(later.groups.map(({ group }) => group.samples.map(({ refLogprobs }) => refLogprobs))).toEqual(scored);
    const samples = later.groups.flatMap(({ group }) => group.samples);
    expect(
      samples.some(({ logprobs, refLogprobs }) => logprobs.some((own, t) => Math.abs(own - refLogprobs![t]!) > 1e-3)),
    ).toBe(true);
  });

  it('is idempotent by batch, refuses a batch of another parent, and corrects a stale one', async () => {
    await using policy = await opened();
    const [first, stale] = [await batch(policy, 0, 0, 0), await batch(policy, 1, 0, 1)];
    const reply = await policy.learner.step(first);
    expect(await policy.learner.step(first)).toBe(reply);
    await expect(policy.learner.step({ ...first, id: 9 })).rejects.toThrow(
      'batch 9 starts from version 0, but the newest is 1',
    );
    const { metrics } = await policy.learner.step(stale);
    expect(Number.isFinite(metrics.loss)).toBe(true);
    expect(policy.learner.current).toBe(2);
  });

  it('keeps a retained version until it is released', async () => {
    await using policy = await opened();
    policy.learner.retain(0);
    const ref = await policy.learner.publish(0);
    await policy.learner.step(await batch(policy, 0, 0, 0));
    expect(policy.learner.kept).toEqual([0, 1]);
    const bytes = await ref.read();
    expect(bytes).toHaveLength(ref.size);
    expect(await decodeSafetensors(bytes, 'version 0')).toEqual(
      await readSafetensors(join(config.model, 'model.safetensors')),
    );
    const [again, next] = [await policy.learner.publish(0), await policy.learner.publish(1)];
    expect([again.id, next.version]).toEqual([ref.id, 1]);
    expect(next.id).not.toBe(ref.id);
    await policy.sampler.sample({ questions: questions(1), params, seed: 1, version: 0 });
    policy.learner.release(0);
    expect(policy.learner.kept).toEqual([1]);
    await expect(ref.read()).rejects.toThrow('version 0 is not in memory any more');
    await expect(policy.learner.publish(0)).rejects.toThrow('version 0 is not in memory');
    await expect(policy.sampler.sample({ questions: questions(1), params, seed: 1, version: 0 })).rejects.toThrow(
      'version 0 is not in memory',
    );
  });
});

describe('before the first step', { timeout: 120_000 }, () => {
  let policy: OpenPolicy;

  beforeAll(async () => {
    policy = await opened();
  });

  afterAll(() => policy[Symbol.asyncDispose]());

  it('reports bad input by class and message, from inside a thread', async () => {
    const missing: Question = {
      id: 'q',
      text: 'what hour ?',
      pictures: [{ type: 'file', path: '/no/such.png' }],
      origin: 'dataset',
    };
    await expect(policy.sampler.sample({ questions: [missing], params, seed: 1, version: 0 })).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringContaining('/no/such.png'),
    });
    const long: Question = { ...questions(1)[0]!, text: 'what hour ? '.repeat(300) };
    await expect(policy.sampler.sample({ questions: [long], params, seed: 1, version: 0 })).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringContaining('context'),
    });
    await expect(openLocal({ ...config, model: '/no/such/model' })).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringContaining('/no/such/model'),
    });
  });

  it('refuses a damaged checkpoint', async () => {
    const damaged = join(folder.path, 'damaged');
    const checkpoints = await Checkpoints.open(join(folder.path, 'checkpoints'));
    const { folder: whole } = await checkpoints.save(0, (draft) => policy.learner.save(0, draft));
    await cp(whole, damaged, { recursive: true });
    const refused = (message: string) =>
      expect(opened({ checkpoint: { version: 0, folder: damaged } })).rejects.toMatchObject({
        name: 'InputError',
        message: expect.stringContaining(message),
      });
    await cp(join(damaged, 'model.safetensors'), join(damaged, 'other.safetensors'));
    await refused('other.safetensors: trainer_state.json does not name it');
    await rm(join(damaged, 'other.safetensors'));
    await rm(join(damaged, 'model.safetensors'));
    await refused('model.safetensors: is missing');
    // The state of an older Quorum names the files in its checksums.
    const sha256 = { 'model.safetensors': '', 'more.safetensors': '' };
    await writeFile(join(damaged, 'trainer_state.json'), JSON.stringify({ version: 0, updates: 0, sha256 }));
    await cp(join(whole, 'model.safetensors'), join(damaged, 'model.safetensors'));
    await refused('more.safetensors: is missing');
    const file = join(whole, 'optimizer.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    const { rejected } = await checkpoints.newest();
    expect(rejected).toMatchObject([{ version: 0, reason: 'optimizer.safetensors does not match its checksum' }]);
    expect(Object.keys(await readSafetensors(join(whole, 'model.safetensors')))).toContain('model.embed_tokens.weight');
  });

  it('cancels a generation in flight and continues with the same thread', async () => {
    const stop = new AbortController();
    const sampling = policy.sampler.sample(
      { questions: questions(16), params: { ...params, maxNewTokens: 400 }, seed: 1, version: 0 },
      stop.signal,
    );
    setImmediate(() => stop.abort());
    await expect(sampling).rejects.toMatchObject({ name: 'CancelledError' });
    const { groups } = await policy.sampler.sample({ questions: questions(2), params, seed: 1, version: 0 });
    expect(groups).toHaveLength(2);
  });
});
