/**
 * A run as a store holds it, written with the store's own calls: figures, votes that agree more with each version,
 * batches, a roll-back.
 */
import { map, Subject } from 'rxjs';
import type { DashboardSource } from '../../../dashboards/server/source.ts';
import { extractAnswer } from '../../../src/learn/answer.ts';
import { verdictOf } from '../../../src/learn/judge.ts';
import { openFigures } from '../../../src/data/figures/dataset.ts';
import { loadPicture } from '../../../src/data/picture.ts';
import { Random } from '../../../src/data/rng.ts';
import type { Command } from '../../../src/protocol/commands.ts';
import type {
  HeldOutAnswer,
  JudgedGroup,
  Question,
  RolloutGroup,
  Sample,
  StepMetrics,
} from '../../../src/protocol/messages.ts';
import type { LoopEvent } from '../../../src/protocol/ports.ts';
import type { Store } from '../../../src/store/store.ts';
import { MadeUpSource } from './made-up-source.ts';

/** What the last step that learnt from written questions was about. */
const REWARD = { reward: 0.25, usable: 1, agreement: 0.75, split: 0.5, novelty: 0.875, kinds: 12.5 };

export const SAMPLES = 6;
export const BATCH = 16;
const EVALUATED_EVERY = 10;
const HELD_OUT = 60;
const JUDGE = { dropAllAgree: true, dropNoBox: true, shareFloor: 0.3, normaliseStd: true } as const;

export interface RunOptions {
  readonly groups: number;
  /** Pictures that the questions are about; fewer than groups, so questions come again. */
  readonly pictures?: number;
  /** Interval at which a question is the model's own. */
  readonly syntheticEvery?: number;
  /** After so many versions the policy is rolled back by half of them. */
  readonly rollBackAt?: number;
}

export interface StoredRun {
  /** In order of admission. */
  readonly judged: readonly JudgedGroup[];
  readonly newest: number;
  readonly evaluated: readonly number[];
  readonly saved: ReadonlySet<number>;
  /**
   * Judges and stores another group, of a question with this text where one is given. @param change of the group before
   * its vote.
   */
  next(text?: string, change?: Change): JudgedGroup;
}

type Change = (group: RolloutGroup) => RolloutGroup;

/** Writes the run into an empty store. */
export function storeRun(store: Store, options: RunOptions): StoredRun {
  const { groups, pictures = 120, syntheticEvery, rollBackAt } = options;
  const { dataset, labels } = openFigures({ pool: 'train', pictures });
  const questions = Array.from({ length: dataset.size }, (_, i) => dataset.question(i));
  const written =
    syntheticEvery === undefined ? [] : questions.filter((_, i) => i % syntheticEvery === 0).map(writtenAfter);
  const all = [...questions, ...written];
  const judged: JudgedGroup[] = [];
  const evaluated: number[] = [];
  let newest = 0;
  let kept: string[] = [];

  const make = (sequence: number, text?: string, change?: Change): JudgedGroup => {
    const drawn = all[(sequence * 7) % all.length]!;
    const question = text === undefined ? drawn : { ...drawn, id: `${drawn.id}/${sequence}`, text };
    const one = judgedGroup(sequence, question, labels.label(drawn.parentId ?? drawn.id) ?? '0', newest, change);
    store.admit([{ sequence, question }]);
    store.saveGroups([one.group]);
    if (one.group.checks) store.saveChecks([one.group]);
    store.saveVerdicts([one.verdict]);
    judged.push(one);
    return one;
  };
  const learn = () => {
    const n = newest + 1;
    const parent = n === rollBackAt ? Math.floor(n / 2) : newest;
    const id = store.nextBatchId;
    store.saveBatch({ id, parent, groupIds: kept });
    store.saveVersion({ n, parent, batchId: id, metrics: metricsOf(n) });
    kept = [];
    newest = n;
  };
  const evaluate = () => {
    const answers = heldOutAnswers(newest);
    const greedy = answers.filter(({ right }) => right).length / answers.length;
    store.saveEvaluation({ version: newest, greedy, n: answers.length });
    store.saveAnswers(newest, answers);
    evaluated.push(newest);
  };

  if (written.length > 0) {
    store.changePool({
      put: written.map((question) => ({ question, uses: 0 })),
      rejected: written.slice(0, 7).map(rejectedLike),
    });
  }
  store.saveVersion({ n: 0, parent: null, batchId: null, metrics: null });
  evaluate();
  for (let from = 0; from < groups; from += 500) {
    store.transaction(() => {
      for (let sequence = from; sequence < Math.min(groups, from + 500); sequence++) {
        const one = make(sequence);
        if (one.verdict.kept) kept.push(one.group.id);
        if (kept.length < BATCH) continue;
        learn();
        if (newest % EVALUATED_EVERY === 0) evaluate();
      }
    });
  }
  const saved = new Set([newest, ...evaluated.slice(-3)]);
  return { judged, newest, evaluated, saved, next: (text, change) => make(judged.length, text, change) };
}

export interface StoredSource extends DashboardSource {
  readonly commands: readonly Command[];
  /** Announces to watchers that a group was judged. */
  announce(judged: JudgedGroup): void;
}

/** The dashboard's source over a stored run: what a daemon knows besides its store is made up. */
export function storedSource(store: Store, run: StoredRun): StoredSource {
  const made = new MadeUpSource(run.newest + 1);
  const loop = new Subject<LoopEvent>();
  const pool = store.pool().length;
  const status = () => ({
    ...made.status(),
    ...(pool > 0 && { synthesis: { ...store.syntheticCounts(), pool, share: 0.5, reward: REWARD } }),
  });
  return {
    ...made,
    status,
    status$: () => made.status$().pipe(map(status)),
    store,
    loop$: () => loop,
    announce: (judged) => loop.next({ type: 'judged', judged }),
    picture: (question, index) => loadPicture(question.pictures[index]!),
    // A token is one character.
    pieces: (tokens) => tokens.map((code) => String.fromCharCode(code)),
    savedVersions: () => run.saved,
  };
}

function writtenAfter(parent: Question): Question {
  return {
    ...parent,
    id: `${parent.id}/written`,
    text: `${parent.text} Answer in words, too.`,
    origin: 'in-context',
    parentId: parent.id,
  };
}

function rejectedLike(question: Question, i: number) {
  const reason = i % 3 === 0 ? 'malformed' : 'duplicate';
  return {
    question: {
      ...question,
      id: `${question.id}/${reason}`,
      text: reason === 'malformed' ? 'the the the' : question.text,
    },
    reason,
  };
}

function judgedGroup(
  sequence: number,
  question: Question,
  truth: string,
  policyVersion: number,
  change: Change = (group) => group,
): JudgedGroup {
  const random = new Random(11, 'group', sequence);
  const skill = 0.35 + 0.6 * (1 - Math.exp(-policyVersion / 40));
  const samples = Array.from({ length: SAMPLES }, () =>
    sampleOf(random, random.chance(skill) ? truth : wrongAnswer(random, truth)),
  );
  const group = change({ id: `g${sequence}`, sequence, question, policyVersion, samples });
  const answers = group.samples.map(({ text }) => extractAnswer(text));
  const first = answers.filter((answer, i) => answer !== null && answers.indexOf(answer) === i);
  return {
    group,
    verdict: verdictOf(
      group.id,
      answers,
      answers.map((answer) => (answer === null ? -1 : first.indexOf(answer))),
      JUDGE,
      undefined,
      group.checks,
    ),
  };
}

/** Null: it names none. */
function wrongAnswer(random: Random, truth: string): string | null {
  if (random.chance(0.12)) return null;
  return String((Number.parseInt(truth, 10) || 0) + random.int(1, 4));
}

function sampleOf(random: Random, answer: string | null): Sample {
  const text = answer === null ? 'I see a figure' : `so it is ${answer} \\boxed{${answer}}`;
  const tokens = [...text].map((character) => character.charCodeAt(0));
  const logprobs = tokens.map(() => -(random.float() ** 6) * 4);
  return {
    tokens,
    logprobs,
    refLogprobs: logprobs.map((logprob) => logprob + random.normal() * 0.2),
    text,
    finish: answer === null ? 'length' : 'stop',
  };
}

function heldOutAnswers(version: number): readonly HeldOutAnswer[] {
  const { dataset, labels } = openFigures({ pool: 'heldout', pictures: HELD_OUT, questions: 'one' });
  return Array.from({ length: dataset.size }, (_, i) => {
    const question = dataset.question(i);
    const random = new Random(13, 'held-out', i, version);
    const truth = labels.label(question.id)!;
    const right = random.chance(Math.min(0.95, 0.4 + version / 100));
    return { question, truth, right, answer: right ? truth : wrongAnswer(random, truth) };
  });
}

function metricsOf(n: number): StepMetrics {
  const random = new Random(17, 'metrics', n);
  const kl = 0.0004 * n * random.range(0.9, 1.1);
  const [entropy, gradNorm] = [random.range(0.3, 0.5), random.range(0.5, 1.5)];
  return {
    loss: 0.01,
    kl,
    entropy,
    clipFraction: random.range(0, 0.02),
    ratio: 1,
    gradNorm,
    learningRate: 1e-5,
    tokens: 2400,
    seconds: 3.1,
  };
}
