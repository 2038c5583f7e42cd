/** Built-in evaluator: accuracy on held-out questions that have a label, on the samplers' threads. The only actor that is given labels. */
import type { Config } from '../src/config/schema.ts';
import type { Dataset, Labels } from '../src/data/dataset.ts';
import { Random } from '../src/data/rng.ts';
import { majorityCorrect, passAt1, passAtK } from '../src/learn/accuracy.ts';
import { extractAnswer } from '../src/learn/answer.ts';
import type { Classifier } from '../src/learn/judge.ts';
import type { Policy, SamplingParams } from '../src/policy/policy.ts';
import type { Accuracy, Evaluation, HeldOutAnswer, Question, Sample } from '../src/protocol/messages.ts';
import { sampleUnlessRefused, type Refused } from './refusing.ts';

export interface EvaluatorParts {
  readonly policy: Pick<Policy, 'sample'>;
  readonly heldOut: Dataset;
  readonly labels: Labels;
  readonly grader: Classifier;
  readonly config: Pick<Config, 'seed' | 'sampling' | 'evaluation' | 'loop'>;
}

interface Labelled {
  readonly question: Question;
  readonly label: string;
  /** Answers as right as the label. */
  readonly alternatives: readonly string[];
  /** To which answers are rounded before they are compared. */
  readonly decimals: number | undefined;
}

/** What the samples of one question came to. */
interface Marks {
  readonly kind: string;
  /** Of the first sample. */
  readonly answer: string | null;
  /** Share of the samples that are right. */
  readonly right: number;
  /** pass@k of all k samples: 1 where any is right. */
  readonly passK: number;
  /** Whether the majority is right. */
  readonly majority: boolean;
}

/** At most `count` held-out questions that have a label, in a seeded order: a smaller selection is the start of a larger one. */
export function selectLabelled(heldOut: Dataset, labels: Labels, seed: number, count: number): Labelled[] {
  const selected: Labelled[] = [];
  for (const i of new Random(seed, 'held-out').shuffle(Array.from({ length: heldOut.size }, (_, i) => i))) {
    if (selected.length === count) break;
    const question = heldOut.question(i);
    const label = labels.label(question.id);
    if (label === undefined) continue;
    selected.push({ question, label, alternatives: labels.alternatives?.(question.id) ?? [], decimals: labels.decimals?.(question.id) });
  }
  return selected;
}

export function evaluator(parts: EvaluatorParts) {
  const { seed, sampling, evaluation } = parts.config;
  const most = Math.max(evaluation.questions, evaluation.fullQuestions);
  let selection: readonly Labelled[] | undefined; // drawn at the first evaluation: drawing figures takes time
  const refused: Refused = new Map();
  const greedy: SamplingParams = { samples: 1, temperature: 0, topP: 1, topK: 0, maxNewTokens: sampling.maxNewTokens };

  return async ({ version, full }: { readonly version: number; readonly full: boolean }, signal: AbortSignal): Promise<Evaluation> => {
    selection ??= selectLabelled(parts.heldOut, parts.labels, seed, most);
    const first = selection.slice(0, full ? most : evaluation.questions);
    const asking = { ...parts, refused };
    const greedyMarks = await mark(asking, first, greedy, version, signal);
    const asked = first.slice(0, evaluation.fullQuestions);
    const sampled = full ? await mark(asking, asked, { ...sampling, samples: evaluation.k }, version, signal) : [];
    const of = (marks: readonly (Marks | undefined)[]) =>
      marks.filter((each, i) => each !== undefined && !refused.has(first[i]!.question.id)) as Marks[];
    const quick = of(greedyMarks.slice(0, evaluation.questions));
    const result = {
      version,
      greedy: mean(quick.map(({ right }) => right)),
      n: quick.length,
      answers: greedyMarks.flatMap((marks, i) => (marks === undefined ? [] : [answerOf(first[i]!, marks)])),
      ...(refused.size > 0 && { refused: [...refused].map(([question, reason]) => ({ question, reason })) }),
    };
    return full ? { ...result, full: accuracy(of(greedyMarks.slice(0, asked.length)), of(sampled), evaluation.k) } : result;
  };
}

export function accuracy(greedy: readonly Marks[], sampled: readonly Marks[], k: number): Accuracy {
  const kinds = [...new Set(greedy.map(({ kind }) => kind))].toSorted();
  const byKind = kinds.map((kind) => {
    const of = greedy.filter((marks) => marks.kind === kind);
    return [kind, { n: of.length, greedy: mean(of.map(({ right }) => right)) }] as const;
  });
  return {
    n: greedy.length,
    k,
    greedy: mean(greedy.map(({ right }) => right)),
    pass1: mean(sampled.map(({ right }) => right)),
    majK: mean(sampled.map(({ majority }) => Number(majority))),
    passK: mean(sampled.map(({ passK }) => passK)),
    byKind: Object.fromEntries(byKind),
  };
}

function answerOf({ question, label }: Labelled, { answer, right }: Marks): HeldOutAnswer {
  return { question, answer, right: right === 1, truth: label };
}

/** Undefined for those that are refused. Samples in calls about as large as a training job, so that the samplers' own jobs get their turn in between. */
async function mark(
  parts: EvaluatorParts & { readonly refused: Refused },
  asked: readonly Labelled[],
  params: SamplingParams,
  version: number,
  signal: AbortSignal,
): Promise<(Marks | undefined)[]> {
  const { policy, grader, config, refused } = parts;
  const atOnce = Math.max(1, Math.floor((config.loop.jobQuestions * config.sampling.samples) / params.samples));
  const marks: (Marks | undefined)[] = [];
  const sample = async (questions: readonly Question[]) => {
    return (await policy.sample({ questions, params, seed: config.seed, version }, signal)).groups;
  };
  for (let start = 0; start < asked.length; start += atOnce) {
    const chunk = asked.slice(start, start + atOnce);
    const groups = await sampleUnlessRefused(
      chunk.map(({ question }) => question),
      sample,
      refused,
    );
    for (const asked of chunk) {
      const samples = groups.get(asked.question.id);
      marks.push(samples && (await marksOf(samples, asked, grader)));
    }
  }
  return marks;
}

async function marksOf(samples: readonly Sample[], { question, label, alternatives, decimals }: Labelled, grader: Classifier): Promise<Marks> {
  const answers = samples.map(({ text }) => extractAnswer(text));
  const classes = await grader.classify(answers);
  const right = new Map<number, boolean>([[-1, false]]);
  for (const [i, answer] of answers.entries()) {
    const own = classes[i]!;
    if (right.has(own)) continue;
    const [given, ...others] = await grader.classify([answer, label, ...alternatives]);
    right.set(own, others.includes(given!) || (decimals !== undefined && isRounded(answer, label, decimals)));
  }
  const correct = classes.map((own) => right.get(own) === true);
  return {
    kind: question.kind ?? 'all',
    answer: answers[0] ?? null,
    right: passAt1(correct),
    passK: correct.length === 0 ? 0 : passAtK(correct, correct.length),
    majority: majorityCorrect(classes, correct),
  };
}

/** MathVista's rule for answers with a precision: the answer, rounded to as many decimals, is the label. */
function isRounded(answer: string | null, label: string, decimals: number): boolean {
  const plain = (text: string | null): string => (text ?? '').replaceAll(/\\text\{([^}]*)\}|,/g, '$1').trim();
  const [given, truth] = [answer, label].map((text) => (plain(text) === '' ? Number.NaN : Number(plain(text))));
  return Number.isFinite(given) && Number.isFinite(truth) && given!.toFixed(decimals) === truth!.toFixed(decimals);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
