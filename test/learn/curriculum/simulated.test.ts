/**
 * The curriculum against the uniform order on a simulated learner, which learns only from groups whose vote splits.
 */
import { expect, test } from 'vitest';
import { Random } from '../../../src/data/rng.ts';
import { Curriculum } from '../../../src/learn/curriculum/curriculum.ts';
import { outcomeOf } from '../../../src/learn/curriculum/outcome.ts';
import type { Verdict } from '../../../src/protocol/messages.ts';
import { SimulatedLearner, type SimulatedQuestion, type Simulation } from '../../support/simulated-learner.ts';

const BATCH = 32;
const FLOOR = 0.6;

/** Gives the next questions, and hears of each what became of it. */
interface Order {
  next(from: number, count: number, version: number): readonly SimulatedQuestion[];
  heard?(question: SimulatedQuestion, sequence: number, version: number, verdict: Verdict): void;
}

function uniform({ questions }: SimulatedLearner): Order {
  const order = new Random(0, 'order').shuffle(questions);
  return { next: (from, count) => Array.from({ length: count }, (_, i) => order[(from + i) % order.length]!) };
}

/** Clusters show the family, and the level with an error of one. */
function curriculum({ questions }: SimulatedLearner): Order {
  const choice = new Curriculum(
    { target: 0.8, explore: 0.1, halfLife: 20, most: 100_000 },
    { questions: [], arms: [] },
  );
  const noise = new Random(1, 'noise');
  const source = new Random(0, 'order').shuffle(questions);
  const byId = new Map(questions.map((question) => [question.id, question]));
  let read = 0;
  return {
    next(from, count, version) {
      for (let i = 0; i < 4 * count && read < source.length; i++, read++) {
        const { id, family, level } = source[read]!;
        choice.add(id, `${family} ${level + noise.int(-1, 1)}`, read);
      }
      const random = new Random(0, 'choice', from);
      const chosen = choice.choose({ from, count, version }, () => random.float());
      choice.admitted(chosen.questions.map(({ id }) => id));
      return chosen.questions.map(({ id }) => byId.get(id)!);
    },
    heard({ id }, sequence, version, verdict) {
      choice.judged({ id, sequence, version, outcome: outcomeOf({ group: {}, verdict }, FLOOR), kept: verdict.kept });
    },
  };
}

interface Course {
  readonly accuracy: readonly number[];
  /** Groups sampled up to each version. */
  readonly sampled: readonly number[];
  readonly kept: number;
}

function course(simulation: Simulation, orderOf: (learner: SimulatedLearner) => Order, versions: number): Course {
  const learner = new SimulatedLearner(simulation);
  const order = orderOf(learner);
  const [accuracy, sampled]: [number[], number[]] = [[], []];
  let [sequence, kept] = [0, 0];
  for (let version = 0; version < versions; version++) {
    const batch: [SimulatedQuestion, boolean][] = [];
    const first = sequence;
    while (batch.length < BATCH && sequence - first < 4 * BATCH) {
      const count = Math.min(BATCH - batch.length, 4 * BATCH - (sequence - first));
      for (const question of order.next(sequence, count, version)) {
        const { verdict, isRight } = learner.ask(question, version);
        order.heard?.(question, sequence, version, verdict);
        if (verdict.kept) batch.push([question, isRight]);
        sequence += 1;
      }
    }
    for (const [question, isRight] of batch) learner.learn(question, isRight);
    kept += batch.length;
    accuracy.push(learner.accuracy);
    sampled.push(sequence);
  }
  return { accuracy, sampled, kept: kept / sequence };
}

function groupsTo({ accuracy, sampled }: Course, wanted: number): number {
  const at = accuracy.findIndex((value) => value >= wanted);
  if (at < 0) throw new Error(`never reached ${wanted}: ${accuracy.at(-1)}`);
  return sampled[at]!;
}

test.each([0, 1, 2])('a steep ladder is climbed with two thirds of the groups, or fewer (seed %i)', (seed) => {
  const simulation = { seed, questions: 3_000 };
  const [without, with_] = [course(simulation, uniform, 250), course(simulation, curriculum, 250)];
  expect(with_.kept / without.kept).toBeGreaterThan(1.3);
  expect(groupsTo(without, 0.8) / groupsTo(with_, 0.8)).toBeGreaterThan(1.5);
});
