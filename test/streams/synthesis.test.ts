/**
 * Questions that the policy writes, in the real loop around a toy: the writer is scripted, what the loop does with it
 * is not.
 */
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { listDataset } from '../../src/data/dataset.ts';
import type { Synthesize } from '../../src/protocol/ports.ts';
import { digits, memoryStore, rig, type Rig, type RigOptions } from '../support/rig.ts';
import { toyQuestions, ToyPolicy } from '../support/toy-policy.ts';
import { toySynthesize } from '../support/toy-synthesizer.ts';

const STEPS = 16;
const base = { seed: 3, loop: { steps: STEPS, batchGroups: 8, jobQuestions: 2, maxStaleness: 0, maxOversample: 2 } };
const CONFIG = {
  ...base,
  synthesis: { mode: 'direct', share: 0.5, poolQuestions: 24, batchQuestions: 8, maxUses: 2 },
} as const;

/** Fewer are written at once than a window takes, so that it matters when they come back. */
const SCARCE = { ...CONFIG, synthesis: { ...CONFIG.synthesis, share: 0.9, batchQuestions: 2, maxUses: 3 } };

/** Everything that was asked, in order. */
function asked(store: Store) {
  const { groups } = store.findGroups({}, { limit: 5_000 });
  return groups
    .toReversed()
    .map(({ group: { question, policyVersion }, verdict }) => ({ question, version: policyVersion, verdict }));
}

const isWritten = ({ question }: { readonly question: { readonly origin: string } }) => question.origin === 'direct';

async function ran(options: RigOptions): Promise<Rig> {
  const made = await rig(options);
  await made.run();
  expect(made.errors).toEqual([]);
  return made;
}

describe('the loop with synthetic questions', () => {
  test('asks the share that it is to, rising with the ramp, and shows it', async () => {
    const shareOf = (all: ReturnType<typeof asked>) => all.filter(isWritten).length / all.length;
    const steady = await ran({ config: CONFIG, synthesize: toySynthesize });
    expect(shareOf(asked(steady.store))).toBeCloseTo(0.5, 1);
    expect(steady.telemetry.status().synthesis?.share).toBe(0.5);

    const rising = await ran({
      config: { ...CONFIG, synthesis: { ...CONFIG.synthesis, share: 1, rampSteps: STEPS } },
      synthesize: toySynthesize,
    });
    const all = asked(rising.store);
    expect(shareOf(all.filter(({ version }) => version === 0))).toBe(0);
    const [early, late] = [
      all.filter(({ version }) => version < STEPS / 2),
      all.filter(({ version }) => version >= STEPS / 2),
    ];
    expect(shareOf(early)).toBeLessThan(0.45);
    expect(shareOf(late)).toBeGreaterThan(0.55);
    expect(rising.telemetry.status().synthesis?.share).toBe((STEPS - 1) / STEPS); // of the last questions admitted

    const none = await ran({
      config: { ...CONFIG, synthesis: { ...CONFIG.synthesis, share: 0 } },
      synthesize: toySynthesize,
    });
    expect(asked(none.store).filter(isWritten)).toEqual([]);
  });

  test('asks nothing that did not pass, nothing more often than allowed, and counts as the store does', async () => {
    const { store, telemetry } = await ran({ config: CONFIG, synthesize: toySynthesize });
    const uses = new Map<string, number>();
    for (const { question } of asked(store).filter(isWritten)) {
      expect(question.text).toMatch(/\?$/);
      uses.set(question.id, (uses.get(question.id) ?? 0) + 1);
    }
    expect(Math.max(...uses.values())).toBeLessThanOrEqual(CONFIG.synthesis.maxUses);
    expect(store.pool().length).toBeLessThanOrEqual(CONFIG.synthesis.poolQuestions);
    const { pool, share: _, ...counts } = telemetry.status().synthesis!;
    expect(counts).toEqual(store.syntheticCounts());
    expect(pool).toBeGreaterThanOrEqual(store.pool().length); // what was judged leaves the memory with the next version
    expect(counts.rejected['malformed']).toBeGreaterThan(0);
    expect(counts.rejected['duplicate']).toBeGreaterThan(0);
    expect(store.rejectedQuestions(9).map(({ reason }) => reason)).toContain('malformed');
  });

  test.each([
    ['one sampler', 1],
    ['three samplers', 3],
  ])('in step, is the same every time, whatever the writer takes: %s', async (_, samplers) => {
    const slow: Synthesize = async (request, signal) => {
      // what is asked meanwhile is judged
      for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
      return toySynthesize(request, signal);
    };
    const contents = async (synthesize: Synthesize, of: number) => {
      const { store, policy } = await ran({ config: SCARCE, synthesize, samplers: of });
      const pool = store.pool().map(({ question, uses }) => [question.id, uses]);
      return { asked: asked(store), pool, counts: store.syntheticCounts(), weights: policy.weights() };
    };
    expect(await contents(slow, samplers)).toEqual(await contents(toySynthesize, 1));
  });

  test('learns the same whatever the labels say', async () => {
    const train = async (label: (id: string) => string | undefined) =>
      (await ran({ config: CONFIG, synthesize: toySynthesize, labels: { label } })).policy.weights();
    const right = await train((id) => String(id.length % 4));
    expect(await train((id) => String((id.length * 7 + 1) % 4))).toBe(right);
    expect(await train(() => undefined)).toBe(right);
    const { policy } = await ran({ config: base });
    expect(policy.weights()).not.toBe(right); // the questions written did matter
  });

  test.each([0, 1])(
    'falls back on the data set when nothing usable is written, and says so once (staleness %i)',
    async (maxStaleness) => {
      const useless: Synthesize = async (request, signal) =>
        (await toySynthesize(request, signal)).map((written) => ({
          ...written,
          question: { ...written.question, text: 'uh' },
        }));
      const { store, loop, telemetry } = await ran({
        config: { ...CONFIG, loop: { ...CONFIG.loop, maxStaleness } },
        synthesize: useless,
      });
      expect(loop.state.version).toBe(STEPS);
      expect(asked(store).filter(isWritten)).toEqual([]);
      expect(telemetry.status().synthesis).toMatchObject({ accepted: 0, pool: 0 });
      if (maxStaleness === 0) {
        const notes = telemetry.status().notes.filter(({ text }) => text.includes('no question that can be used'));
        expect(notes.map(({ text }) => text)).toEqual([
          'the model writes no question that can be used (the last: "uh")',
        ]);
      }
    },
  );
});

describe('pictures alone', () => {
  const other = (policy: ToyPolicy) => {
    return {
      policy,
      train: listDataset('pictures', []),
      heldOut: listDataset('held-out', toyQuestions(4, 'heldout')),
      grader: digits,
    };
  };

  test.each([
    ['in step', 0, 24],
    ['ahead', 2, 24],
    ['a pool smaller than a batch of groups', 0, 3],
    ['a pool smaller than what is asked ahead', 2, 3],
  ])('run on what the policy writes: %s', async (_, maxStaleness, poolQuestions) => {
    const policy = new ToyPolicy();
    const config = {
      ...CONFIG,
      loop: { ...CONFIG.loop, maxStaleness, steps: 4 },
      synthesis: { ...CONFIG.synthesis, poolQuestions },
    };
    const { store, loop, telemetry } = await ran({ config, other: other(policy), synthesize: toySynthesize });
    expect(loop.state.version).toBe(4);
    const all = asked(store);
    expect(all.length).toBeGreaterThan(0);
    expect(all.filter(isWritten)).toEqual(all);
    expect(telemetry.status().synthesis?.share).toBe(1);
  });

  test('wait, and say why, while nothing usable comes', async () => {
    const policy = new ToyPolicy();
    let batches = 0;
    const synthesize: Synthesize = async (request, signal) => {
      batches += 1;
      const written = await toySynthesize(request, signal);
      return batches > 9 ? written : written.map((each) => ({ ...each, finish: 'length' as const }));
    };
    const store = memoryStore();
    const config = { ...CONFIG, loop: { ...CONFIG.loop, steps: 2 } };
    const { loop, telemetry } = await ran({ config, other: other(policy), synthesize, store });
    expect(loop.state.version).toBe(2);
    expect(
      telemetry
        .status()
        .notes.map(({ text }) => text)
        .join(),
    ).toMatch(/no question that can be used \(the last: /);
    expect(store.syntheticCounts().rejected['unfinished']).toBe(72);
  }, 20_000);
});
