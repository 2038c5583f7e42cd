import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/data/rng.ts';
import { LASTS, power } from '../../../src/learn/curriculum/arm.ts';
import { Curriculum, MOST_CLUSTERS, OTHER } from '../../../src/learn/curriculum/curriculum.ts';
import type { ArmRow, Outcome, Remembered } from '../../../src/protocol/curriculum.ts';

const OUTCOMES: readonly Outcome[] = ['known', 'sure', 'split', 'near', 'lost'];
const OPTIONS = { target: 0.8, explore: 0.1, halfLife: 20, most: 1_000 };
const NONE = { questions: [], arms: [] };
const EVERY = 10;

/** What the store holds after the changes. */
class Rows {
  readonly questions = new Map<string, Remembered>();
  readonly arms = new Map<string, ArmRow>();

  put({ question, arm }: { readonly question: Remembered; readonly arm: ArmRow }): void {
    this.questions.set(question.id, question);
    this.arms.set(`${arm.cluster} ${arm.last}`, arm);
  }

  get all() {
    return { questions: [...this.questions.values()], arms: [...this.arms.values()] };
  }
}

function filled(count: number, clusterOf: (i: number) => string, options = OPTIONS) {
  const [curriculum, rows] = [new Curriculum(options, NONE), new Rows()];
  for (let i = 0; i < count; i++) {
    const remembered = curriculum.add(`q${i}`, clusterOf(i), i);
    if (remembered !== undefined) rows.questions.set(remembered.added.id, remembered.added);
    if (remembered?.displaced !== undefined) rows.questions.delete(remembered.displaced);
  }
  return { curriculum, rows };
}

/** Rounds of questions, each judged before the next; the version moves with each. */
function play(
  { curriculum, rows }: ReturnType<typeof filled>,
  rounds: number,
  outcomeOf: (id: string, round: number) => Outcome,
  count = 8,
) {
  const asked: string[][] = [];
  let sequence = 0;
  for (let version = 0; version < rounds; version++) {
    const chosen = ids(curriculum, sequence, count, version);
    curriculum.admitted(chosen);
    for (const id of chosen) {
      const outcome = outcomeOf(id, version);
      rows.put(curriculum.judged({ id, sequence: sequence++, version, outcome, kept: outcome === 'split' })!);
    }
    asked.push(chosen);
  }
  return asked;
}

function ids(curriculum: Curriculum, from: number, count: number, version: number): string[] {
  const random = new Random(7, 'choice', from);
  return curriculum.choose({ from, count, version }, () => random.float()).questions.map(({ id }) => id);
}

const outcomes = fc.array(fc.constantFrom(...OUTCOMES), { minLength: 1, maxLength: 40 });

test('a choice is of different questions that it remembers, at most as many as asked for, and repeats itself', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 70 }), outcomes, (size, count, cycle) => {
      const game = filled(size, (i) => `c${i % 5}`);
      let step = 0;
      play(game, 6, () => cycle[step++ % cycle.length]!, count);
      const [chosen, again] = [ids(game.curriculum, 0, count, 6), ids(game.curriculum, 0, count, 6)];
      expect(new Set(chosen).size).toBe(chosen.length);
      expect(chosen.length).toBe(Math.min(count, size));
      expect(again).toEqual(chosen);
    }),
  );
});

test('made anew from its rows at any point, it chooses the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), outcomes, fc.integer({ min: 0, max: 12 }), (size, cycle, rounds) => {
      const game = filled(size, (i) => `c${(i * 7) % 6}`);
      let step = 0;
      play(game, rounds, () => cycle[step++ % cycle.length]!);
      const restored = new Curriculum(OPTIONS, game.rows.all);
      for (const version of [rounds, rounds + 30]) {
        expect(ids(restored, 5, 9, version)).toEqual(ids(game.curriculum, 5, 9, version));
      }
      const inHand = ids(game.curriculum, 5, 3, rounds);
      game.curriculum.admitted(inHand);
      const resumed = new Curriculum(OPTIONS, game.rows.all, inHand);
      expect(ids(resumed, 8, 9, rounds)).toEqual(ids(game.curriculum, 8, 9, rounds));
    }),
  );
});

test('the order in which the verdicts of a round come does not matter', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), outcomes, (seed, cycle) => {
      const after = (shuffles: boolean) => {
        const { curriculum } = filled(40, (i) => `c${i % 3}`);
        let sequence = 0;
        for (let version = 0; version < 5; version++) {
          const chosen = ids(curriculum, sequence, 8, version);
          curriculum.admitted(chosen);
          const judged = chosen.map((id, i) => {
            const outcome = cycle[(sequence + i) % cycle.length]!;
            return { id, sequence: sequence + i, version, outcome, kept: outcome === 'split' };
          });
          for (const each of shuffles ? new Random(seed, version).shuffle(judged) : judged) curriculum.judged(each);
          sequence += chosen.length;
        }
        return ids(curriculum, sequence, 8, 5);
      };
      expect(after(true)).toEqual(after(false));
    }),
  );
});

describe('the choice', () => {
  test('leaves nothing out: every cluster is asked again within a bounded number of questions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), outcomes, (clusters, cycle) => {
        const game = filled(clusters * 6, (i) => `c${i % clusters}`);
        const good = (id: string) => Number(id.slice(1)) % clusters === 0;
        const asked = play(game, 200, (id, round) => (good(id) ? 'split' : cycle[round % cycle.length]!));
        // An arm has its turn at each `EVERY`th question at the latest once all others had one since.
        const bound = Math.ceil((clusters * LASTS.length * EVERY) / 8) + 1;
        for (let cluster = 0; cluster < clusters; cluster++) {
          const rounds = asked.flatMap((of, round) =>
            of.some((id) => Number(id.slice(1)) % clusters === cluster) ? [round] : [],
          );
          const gaps = [...rounds, 200].map((round, i) => round - (rounds[i - 1] ?? 0));
          expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * bound);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('goes where answers are split, and away from what is known and what is lost', () => {
    const game = filled(300, (i) => `c${i % 3}`);
    const outcome = (id: string): Outcome => OUTCOMES[[0, 2, 4][Number(id.slice(1)) % 3]!]!;
    const late = play(game, 60, outcome).slice(30).flat();
    const split = late.filter((id) => outcome(id) === 'split');
    expect(split.length / late.length).toBeGreaterThan(0.75);
  });

  test('is uniform over questions as long as the target allows it', () => {
    const game = filled(300, (i) => `c${i % 3}`, { ...OPTIONS, target: 0 });
    const asked = play(game, 36, (id) => OUTCOMES[[0, 2, 4][Number(id.slice(1)) % 3]!]!).flat();
    for (let cluster = 0; cluster < 3; cluster++) {
      const of = asked.filter((id) => Number(id.slice(1)) % 3 === cluster);
      expect(of.length / asked.length).toBeGreaterThan(0.25);
    }
  });

  test('returns to what was known once a visit shows that it is forgotten', () => {
    const game = filled(80, (i) => `c${i % 2}`);
    const forgotten = (id: string) => Number(id.slice(1)) % 2 === 0;
    const asked = play(game, 160, (id, round) => {
      if (!forgotten(id)) return round % 4 === 0 ? 'split' : 'sure';
      return round < 80 ? 'known' : 'split';
    });
    const share = (rounds: string[][]) => rounds.flat().filter(forgotten).length / rounds.flat().length;
    expect(share(asked.slice(40, 80))).toBeLessThan(0.2);
    expect(share(asked.slice(120))).toBeGreaterThan(0.35);
  });

  test('starts at once with a kind that is new', () => {
    const game = filled(60, () => 'old');
    play(game, 60, () => 'known');
    for (let i = 0; i < 60; i++) game.curriculum.add(`n${i}`, 'new', 1_000 + i);
    const asked = play(game, 10, (id) => (id.startsWith('n') ? 'split' : 'known'));
    expect(
      asked
        .slice(0, 2)
        .flat()
        .filter((id) => id.startsWith('n')).length,
    ).toBeGreaterThan(0);
    expect(
      asked
        .slice(5)
        .flat()
        .filter((id) => id.startsWith('n')).length / 40,
    ).toBeGreaterThan(0.7);
  });

  test('does not ask a version again what it has answered, unless there is nothing else', () => {
    const { curriculum } = filled(10, () => 'c');
    const first = ids(curriculum, 0, 6, 3);
    curriculum.admitted(first);
    first.forEach((id, i) => curriculum.judged({ id, sequence: i, version: 3, outcome: 'split', kept: true }));
    const second = ids(curriculum, 6, 6, 3);
    expect(second.length).toBe(4);
    expect(second.some((id) => first.includes(id))).toBe(false);
    curriculum.admitted(second);
    expect(ids(curriculum, 10, 6, 3)).toEqual([first[0]]);
    curriculum.admitted(first);
    expect(ids(curriculum, 16, 6, 3).length).toBe(1); // all are being asked
  });
});

describe('its memory', () => {
  test('is bounded: retired questions leave for new ones, and without any nothing new comes in', () => {
    const game = filled(50, () => 'c', { ...OPTIONS, most: 40 });
    expect(game.curriculum.size).toBe(40);
    play(game, 3, (id) => (id === 'q1' ? 'known' : 'split'), 40);
    expect(game.curriculum.add('new', 'd', 99)).toMatchObject({ displaced: 'q1' });
    expect(game.curriculum.add('newer', 'd', 100)).toBeUndefined();
    expect(game.curriculum.size).toBe(40);
    expect([game.curriculum.has('q1'), game.curriculum.has('new')]).toEqual([false, true]);
  });

  test('holds so many clusters; later ones share one', () => {
    const { rows } = filled(MOST_CLUSTERS + 50, (i) => `c${i}`);
    const clusters = new Set([...rows.questions.values()].map(({ cluster }) => cluster));
    expect(clusters.size).toBe(MOST_CLUSTERS + 1);
    expect(clusters.has(OTHER)).toBe(true);
  });

  test('ignores questions that it did not read, and counts a question asked twice at the same time twice', () => {
    const { curriculum } = filled(1, () => 'c');
    expect(curriculum.judged({ id: 'other', sequence: 0, version: 0, outcome: 'split', kept: true })).toBeUndefined();
    curriculum.admitted(['q0', 'other']);
    curriculum.admitted(['q0']);
    curriculum.judged({ id: 'q0', sequence: 0, version: 0, outcome: 'known', kept: false });
    expect(curriculum.out.map(({ id }) => id)).toEqual(['q0']);
    curriculum.judged({ id: 'q0', sequence: 1, version: 0, outcome: 'split', kept: true });
    expect(curriculum.out).toEqual([]);
    expect(curriculum.arms.reduce((sum, { row }) => sum + row.asked, 0)).toBe(2);
  });
});

test('evidence halves with the half-life, the same whether it fades at once or step by step', () => {
  const keep = 1 - Math.LN2 / 20;
  expect(power(keep, 20)).toBeCloseTo(0.5, 1);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5_000 }), (exponent) => {
      expect(power(keep, exponent)).toBeCloseTo(Math.pow(keep, exponent), 12);
    }),
  );
});
