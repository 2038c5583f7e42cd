/**
 * Built-in evaluator, on the samplers' threads: accuracy on held-out questions with a label and, if one has no label,
 * also the figures without labels (label-free.ts). The only actor that gets labels.
 */
import type { Config } from '../config/schema.ts';
import type { Dataset, Labels } from '../data/dataset.ts';
import { Random } from '../data/rng.ts';
import { majorityCorrect, passAt1, passAtK } from '../learn/accuracy.ts';
import { extractAnswer } from '../learn/answer.ts';
import type { Classifier } from '../learn/judge.ts';
import { mean } from '../lib/mean.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { Evaluation, HeldOutAnswer, Question, Sample } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { Evaluate, EvaluateRequest, SamplingParams } from '../protocol/ports.ts';
import { accuracy, followedLevels, type Marks } from './accuracy.ts';
import { labelFree, SAMPLED_QUESTIONS, SAMPLES, type Answers, type EarlierAnswers } from './label-free.ts';
import { sampleUnlessRefused, type Refused } from './refusing.ts';

export interface EvaluatorParts {
  readonly sampler: Pick<Sampler, 'sample'>;
  readonly heldOut: Dataset;
  readonly labels: Labels;
  readonly grader: Classifier;
  readonly config: Pick<Config, 'seed' | 'sampling' | 'evaluation' | 'loop'>;
  /** Answers of earlier versions; without them only accuracy is measured. */
  readonly earlier?: () => EarlierAnswers;
}

interface Labelled {
  readonly question: Question;
  readonly label: string;
  /** Answers that count as right like the label. */
  readonly alternatives: readonly string[];
  /** Decimals to which answers are rounded before the comparison. */
  readonly decimals: number | undefined;
  /** Difficulty. */
  readonly level: number | undefined;
}

/**
 * At most `count` held-out questions with a label, in a seeded order: a smaller selection is a prefix of a larger one.
 */
export function selectLabelled(heldOut: Dataset, labels: Labels, seed: number, count: number): Labelled[] {
  const selected: Labelled[] = [];
  for (const question of inSeededOrder(heldOut, seed)) {
    if (selected.length === count) break;
    const label = labels.label(question.id);
    if (label === undefined) continue;
    selected.push({
      question,
      label,
      alternatives: labels.alternatives?.(question.id) ?? [],
      decimals: labels.decimals?.(question.id),
      level: labels.level?.(question.id),
    });
  }
  return selected;
}

function inSeededOrder(heldOut: Dataset, seed: number): Question[] {
  const order = new Random(seed, 'held-out').shuffle(Array.from({ length: heldOut.size }, (_, i) => i));
  return order.map((i) => heldOut.question(i));
}

/** At most `count` held-out questions, labelled or not; empty when all of them have a label. */
function selectAny(heldOut: Dataset, labels: Labels, seed: number, count: number): Question[] {
  const all = inSeededOrder(heldOut, seed);
  return all.every(({ id }) => labels.label(id) !== undefined) ? [] : all.slice(0, count);
}

export function evaluator(parts: EvaluatorParts) {
  const { seed, sampling, evaluation } = parts.config;
  const { heldOut, labels, earlier } = parts;
  const most = Math.max(evaluation.questions, evaluation.fullQuestions);
  // drawing figures takes time, so do it once
  let selection: { readonly labelled: readonly Labelled[]; readonly any: readonly Question[] } | undefined;
  const refused: Refused = new Map();
  const greedy: SamplingParams = { samples: 1, temperature: 0, topP: 1, topK: 0, maxNewTokens: sampling.maxNewTokens };
  const asking = { ...parts, refused };

  return async (
    { version, full }: { readonly version: number; readonly full: boolean },
    signal: AbortSignal,
  ): Promise<Evaluation> => {
    selection ??= {
      labelled: selectLabelled(heldOut, labels, seed, most),
      any: earlier === undefined ? [] : selectAny(heldOut, labels, seed, evaluation.questions),
    };
    const { any } = selection;
    const first = selection.labelled.slice(0, full ? most : evaluation.questions);
    const answers = await ask(asking, union(first, any), greedy, version, signal);
    const greedyMarks = await mark(first, answers, parts.grader);
    const asked = first.slice(0, evaluation.fullQuestions);
    const sampled = full
      ? await mark(
          asked,
          await ask(asking, questionsOf(asked), { ...sampling, samples: evaluation.k }, version, signal),
          parts.grader,
        )
      : [];
    const several =
      any.length === 0
        ? new Map()
        : await ask(asking, any.slice(0, SAMPLED_QUESTIONS), { ...sampling, samples: SAMPLES }, version, signal);
    const of = (marks: readonly (Marks | undefined)[]) =>
      marks.filter((each, i) => each !== undefined && !refused.has(first[i]!.question.id)) as Marks[];
    const quick = of(greedyMarks.slice(0, evaluation.questions));
    const given = answersOf(any, answers);
    const before = earlier && { ...earlier(), ...(version === 0 && { base: given }) };
    const shown = before && (await labelFree({ answers: given, samples: [...several.values()] }, before, parts.grader));
    const marked = new Set(first.map(({ question }) => question.id));
    return {
      version,
      greedy: quick.length === 0 ? null : mean(quick.map(({ right }) => right)),
      n: quick.length,
      ...followedLevels(quick),
      ...(full &&
        first.length > 0 && { full: accuracy(of(greedyMarks.slice(0, asked.length)), of(sampled), evaluation.k) }),
      ...(shown && { labelFree: shown }),
      answers: [
        ...greedyMarks.flatMap((marks, i) => (marks === undefined ? [] : [answerOf(first[i]!, marks)])),
        ...any.flatMap((question) =>
          marked.has(question.id) || !given.has(question.id) ? [] : [unmarked(question, given)],
        ),
      ],
      ...(refused.size > 0 && { refused: [...refused].map(([question, reason]) => ({ question, reason })) }),
    };
  };
}

export function evaluating(
  request: EvaluateRequest,
  { evaluateSeconds }: Config['timeouts'],
): Call<Evaluate, Evaluation> {
  return {
    doing: `evaluating version ${request.version}${request.full ? ' in full' : ''}`,
    seconds: evaluateSeconds,
    run: (port, signal) => port(request, signal),
  };
}

function answerOf({ question, label }: Labelled, { answer, right }: Marks): HeldOutAnswer {
  return { question, answer, right: right === 1, truth: label };
}

function unmarked(question: Question, given: Answers): HeldOutAnswer {
  return { question, answer: given.get(question.id) ?? null, right: null, truth: null };
}

function questionsOf(labelled: readonly Labelled[]): readonly Question[] {
  return labelled.map(({ question }) => question);
}

function union(labelled: readonly Labelled[], any: readonly Question[]): readonly Question[] {
  return [...new Map([...questionsOf(labelled), ...any].map((question) => [question.id, question])).values()];
}

function answersOf(questions: readonly Question[], responses: ReadonlyMap<string, readonly Sample[]>): Answers {
  return new Map(
    questions.flatMap(({ id }) => (responses.get(id) ?? []).map(({ text }) => [id, extractAnswer(text)] as const)),
  );
}

/**
 * Responses by id, without refused questions. Calls are about as large as a training job, so that training jobs get
 * their turn in between.
 */
async function ask(
  { sampler, config, refused }: EvaluatorParts & { readonly refused: Refused },
  asked: readonly Question[],
  params: SamplingParams,
  version: number,
  signal: AbortSignal,
): Promise<Map<string, readonly Sample[]>> {
  const atOnce = Math.max(1, Math.floor((config.loop.jobQuestions * config.sampling.samples) / params.samples));
  const sample = async (questions: readonly Question[]) => {
    return (await sampler.sample({ questions, params, seed: config.seed, version }, signal)).groups;
  };
  const responses = new Map<string, readonly Sample[]>();
  for (let start = 0; start < asked.length; start += atOnce) {
    for (const [id, samples] of await sampleUnlessRefused(asked.slice(start, start + atOnce), sample, refused))
      responses.set(id, samples);
  }
  return responses;
}

/** Undefined for a question without a response. */
async function mark(
  asked: readonly Labelled[],
  responses: ReadonlyMap<string, readonly Sample[]>,
  grader: Classifier,
): Promise<(Marks | undefined)[]> {
  const marks: (Marks | undefined)[] = [];
  for (const each of asked) {
    const samples = responses.get(each.question.id);
    marks.push(samples && (await marksOf(samples, each, grader)));
  }
  return marks;
}

async function marksOf(
  samples: readonly Sample[],
  { question, label, alternatives, decimals, level }: Labelled,
  grader: Classifier,
): Promise<Marks> {
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
    level,
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
