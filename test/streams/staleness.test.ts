import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CancelledError } from '../../src/protocol/errors.ts';
import { Random } from '../../src/data/rng.ts';
import { Batcher, type Window } from '../../streams/batcher.ts';
import { admissible, Pacer, room, type Load } from '../../streams/staleness.ts';
import { rig } from '../support/rig.ts';
import { judgedGroup } from '../support/judged.ts';

/**
 * A world without actors: admitted groups finish in any order, kept or not, and windows are learnt from one by one.
 * Returns for each learnt group how many versions went by between its admission and the version its batch starts from:
 * no sampling can be older.
 */
function simulate(
  options: { batchGroups: number; maxStaleness: number; jobQuestions: number; maxOversample: number },
  seed: number,
): number[] {
  const random = new Random(seed, 'world');
  const batcher = new Batcher({
    batchGroups: options.batchGroups,
    maxJudged: options.maxOversample * options.batchGroups,
    next: 0,
  });
  const admittedAt: number[] = [];
  const inFlight: number[] = [];
  const windows: { readonly sequences: readonly number[] }[] = [];
  const ages: number[] = [];
  let version = 0;
  for (let turn = 0; turn < 600; turn += 1) {
    const load: Load = {
      settled: batcher.next,
      early: batcher.early,
      shortestClose: batcher.shortestClose,
      kept: batcher.kept,
      cuts: [],
      admitted: admittedAt.length,
      closed: windows.length,
    };
    const count = admissible(load, options);
    for (let i = 0; i < count; i += 1) inFlight.push(admittedAt.push(version) - 1);
    if (inFlight.length > 0 && (windows.length === 0 || random.chance(0.8))) {
      const [sequence] = inFlight.splice(random.int(0, inFlight.length - 1), 1);
      const closed = batcher.add(sequence!, random.chance(0.6) ? judgedGroup(sequence!) : undefined);
      windows.push(
        ...closed
          .filter(({ groups }) => groups.length > 0)
          .map(({ groups }) => ({ sequences: groups.map(({ group }) => group.sequence) })),
      );
    } else {
      const window = windows.shift();
      expect(window, 'the world must not stand still').toBeDefined();
      ages.push(...window!.sequences.map((sequence) => version - admittedAt[sequence]!));
      version += 1;
    }
  }
  return ages;
}

/**
 * The same world, in which the bound changes, and where the way of sampling does. Returns the age of each learnt group
 * and the bound when it was admitted.
 */
function simulateChanges(
  batchGroups: number,
  jobQuestions: number,
  seed: number,
): { readonly age: number; readonly bound: number }[] {
  const random = new Random(seed, 'changing world');
  const cuts = new Set<number>();
  const batcher = new Batcher({
    batchGroups,
    maxJudged: 2 * batchGroups,
    next: 0,
    isCut: (sequence) => cuts.has(sequence),
  });
  const admitted: { readonly version: number; readonly bound: number }[] = [];
  const inFlight: number[] = [];
  const windows: (readonly number[])[] = [];
  const learnt: { readonly age: number; readonly bound: number }[] = [];
  let [version, maxStaleness] = [0, 2];
  const close = (closed: readonly Window[]) => {
    for (const { groups } of closed) if (groups.length > 0) windows.push(groups.map(({ group }) => group.sequence));
  };
  for (let turn = 0; turn < 800; turn += 1) {
    if (random.chance(0.05)) maxStaleness = random.int(0, 4);
    if (random.chance(0.05)) {
      cuts.add(admitted.length);
      close(batcher.cut());
    }
    const { next: settled, early, shortestClose, kept } = batcher;
    const ahead = [...cuts].filter((cut) => cut > settled && cut <= admitted.length);
    const load: Load = {
      settled,
      early,
      shortestClose,
      kept,
      admitted: admitted.length,
      cuts: ahead,
      closed: windows.length,
    };
    const count = admissible(load, { maxStaleness, batchGroups, jobQuestions });
    for (let i = 0; i < count; i += 1) inFlight.push(admitted.push({ version, bound: maxStaleness }) - 1);
    if (inFlight.length > 0 && (windows.length === 0 || random.chance(0.8))) {
      const [sequence] = inFlight.splice(random.int(0, inFlight.length - 1), 1);
      close(batcher.add(sequence!, random.chance(0.6) ? judgedGroup(sequence!) : undefined));
    } else {
      const window = windows.shift();
      expect(window, 'the world must not stand still').toBeDefined();
      for (const cut of cuts)
        expect(window!.some((sequence) => sequence < cut) && window!.some((sequence) => sequence >= cut)).toBe(false);
      learnt.push(
        ...window!.map((sequence) => ({
          age: version - admitted[sequence]!.version,
          bound: admitted[sequence]!.bound,
        })),
      );
      version += 1;
    }
  }
  return learnt;
}

describe('pacing', () => {
  test('keeps, for each group, the bound that held when it was admitted, however the bound and the way of sampling change', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (batchGroups, jobQuestions, seed) => {
          const learnt = simulateChanges(batchGroups, jobQuestions, seed);
          expect(learnt.length).toBeGreaterThan(0);
          expect(learnt.filter(({ age, bound }) => age > bound)).toEqual([]);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  test('keeps the bound whatever is dropped and whatever finishes first, and never stands still', () => {
    const options = fc.record({
      batchGroups: fc.integer({ min: 1, max: 7 }),
      maxStaleness: fc.integer({ min: 0, max: 4 }),
      jobQuestions: fc.integer({ min: 1, max: 9 }),
      maxOversample: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(options, fc.nat(), (chosen, seed) => {
        const ages = simulate(chosen, seed);
        expect(Math.max(0, ...ages)).toBeLessThanOrEqual(chosen.maxStaleness);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  test('uses what the bound allows: at staleness 2 some groups are 2 versions old', () => {
    const ages = simulate({ batchGroups: 4, maxStaleness: 2, jobQuestions: 4, maxOversample: 3 }, 1);
    expect(Math.max(...ages)).toBe(2);
  });

  test('counts the window that a cut closes, however small it is', () => {
    const load = { settled: 0, early: 0, shortestClose: 4, kept: 0, closed: 0 };
    const options = { maxStaleness: 1, batchGroups: 4 };
    expect(room({ ...load, admitted: 3, cuts: [] }, options)).toBe(5);
    expect(room({ ...load, admitted: 3, cuts: [3] }, options)).toBe(4);
    expect(room({ ...load, admitted: 5, cuts: [3] }, options)).toBe(2);
    expect(room({ ...load, kept: 1, shortestClose: 3, admitted: 2, cuts: [1, 2] }, options)).toBe(0);
  });

  test('gives (maxStaleness + 1) * batchGroups credits at the start', () => {
    const load = { settled: 0, early: 0, shortestClose: 32, kept: 0, admitted: 0, cuts: [], closed: 0 };
    expect(room(load, { maxStaleness: 0, batchGroups: 32 })).toBe(32);
    expect(room(load, { maxStaleness: 2, batchGroups: 32 })).toBe(96);
    expect(room({ ...load, admitted: 96 }, { maxStaleness: 2, batchGroups: 32 })).toBe(0);
  });

  test('the loop itself keeps the bound under random delays', async () => {
    for (const [maxStaleness, seed] of [
      [0, 1],
      [1, 2],
      [3, 3],
    ] as const) {
      const random = new Random(seed, 'delays');
      const wait = async () => {
        for (let turns = random.int(0, 6); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
      };
      const { run, learnt, errors, mostOutstanding } = await rig({
        config: {
          seed,
          loop: { steps: 15, batchGroups: 4, jobQuestions: 3, maxStaleness },
          filters: { shareFloor: 0.5 },
        },
        samplers: 3,
        toy: { faults: { beforeSample: wait, beforeLearn: wait } },
        beforeJudge: wait,
      });
      await run();
      expect(errors).toEqual([]);
      const ages = learnt.flatMap(({ parent, groups }) => groups.map(({ group }) => parent - group.policyVersion));
      expect(Math.max(...ages)).toBeLessThanOrEqual(maxStaleness);
      expect(Math.min(...ages)).toBeGreaterThanOrEqual(0);
      expect(mostOutstanding()).toBeLessThanOrEqual((maxStaleness + 1) * 4);
    }
  });
});

describe('Pacer', () => {
  test('lets the waiting caller continue when a release frees credits', async () => {
    let closed = 1;
    const pacer = new Pacer(
      () => ({ maxStaleness: 0, batchGroups: 4, jobQuestions: 2 }),
      () => ({
        settled: 4,
        early: 0,
        shortestClose: 4,
        kept: 0,
        cuts: [],
        admitted: 4,
        closed,
      }),
    );
    const asked = pacer.acquire(new AbortController().signal);
    pacer.release();
    await Promise.resolve();
    expect(pacer.waiting).toBe(true);
    closed = 0;
    pacer.release();
    expect(await asked).toBe(4);
  });

  test('stops waiting when told to', async () => {
    const pacer = new Pacer(
      () => ({ maxStaleness: 0, batchGroups: 4, jobQuestions: 2 }),
      () => ({
        settled: 0,
        early: 0,
        shortestClose: 4,
        kept: 0,
        cuts: [],
        admitted: 4,
        closed: 0,
      }),
    );
    const controller = new AbortController();
    const asked = pacer.acquire(controller.signal);
    controller.abort();
    await expect(asked).rejects.toThrow(CancelledError);
  });
});
