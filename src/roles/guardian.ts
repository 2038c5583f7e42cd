/**
 * Built-in guardian: asks the canaries, on the samplers' threads. Its random draws are named by its own question ids,
 * so it does not change the draws of the training.
 */
import type { Config } from '../config/schema.ts';
import type { Dataset, Labels } from '../data/dataset.ts';
import { Random } from '../data/rng.ts';
import { extractAnswer } from '../learn/answer.ts';
import { mean } from '../lib/mean.ts';
import { soundnessOf, unsoundShare, type Soundness } from '../guardian/soundness.ts';
import { canary, type AskCanaries, type Probe, type ProbeRequest } from '../guardian/probe.ts';
import type { Classifier } from '../learn/judge.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { Question, Sample } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { SamplingParams } from '../protocol/ports.ts';
import { sampleUnlessRefused, type Refused, type SampleAll } from './refusing.ts';

export interface GuardianParts {
  readonly sampler: Pick<Sampler, 'sample'>;
  /** Canaries come from here, or from `train` if it is empty. */
  readonly heldOut: Dataset;
  readonly train: Dataset;
  /** Only if the configuration allows the guardian labels. */
  readonly labels?: Labels | undefined;
  readonly grader: Classifier;
  readonly config: Pick<Config, 'seed' | 'sampling' | 'guardian' | 'loop'>;
}

/** Responses to the clean picture, and to the changed one. */
const EACH = 3;

interface Canary {
  /** Id of its question in the data. */
  readonly question: string;
  readonly clean: Question;
  readonly changed: Question;
  readonly rightAnswers: readonly string[] | undefined;
}

interface Asked {
  /** False when the question is refused: the other fields are then meaningless. */
  readonly isAsked: boolean;
  readonly answer: string | null;
  readonly share: number;
  readonly sure: boolean;
  readonly same: number;
  readonly asTrusted: boolean;
  readonly asOrigin: boolean;
  readonly asRecent: boolean;
  readonly shareRecent: number;
  readonly right: boolean | undefined;
  readonly work: Soundness;
}

const NOT_ASKED: Asked = {
  isAsked: false,
  answer: null,
  share: 0,
  sure: false,
  same: 0,
  asTrusted: false,
  asOrigin: false,
  asRecent: false,
  shareRecent: 0,
  right: undefined,
  work: { checked: 0, unsound: 0 },
};

export function guardian(parts: GuardianParts): AskCanaries {
  const { sampler, config } = parts;
  const responses = config.loop.jobQuestions * config.sampling.samples;
  const refused: Refused = new Map();
  let canaries: readonly Canary[] | undefined; // drawn at the first probe, because drawing figures takes time

  return async (request, signal) => {
    const { version, trusted, origin, recent, closely = false } = request;
    canaries ??= selectCanaries(parts);
    const questions = canaries.flatMap(({ clean, changed }) => [clean, changed]);
    const each = closely ? 2 * EACH : EACH;
    // The temperature at the start of training: probes do not follow later changes.
    const params: SamplingParams = { ...config.sampling, samples: each };
    const atOnce = Math.max(1, Math.floor(responses / each));
    const sample: SampleAll = async (job) =>
      (await sampler.sample({ questions: job, params, seed: config.seed, version }, signal)).groups;
    const replies = new Map<string, readonly Sample[]>();
    for (let start = 0; start < questions.length; start += atOnce) {
      const some = await sampleUnlessRefused(questions.slice(start, start + atOnce), sample, refused);
      for (const [id, samples] of some) replies.set(id, samples);
    }
    const asked: Asked[] = [];
    for (const [i, { clean, changed, rightAnswers }] of canaries.entries()) {
      const pair = [replies.get(clean.id), replies.get(changed.id)];
      const texts = pair.some((samples) => samples === undefined)
        ? []
        : pair.flatMap((samples) => samples!.map(({ text }) => text));
      asked.push(await compared(parts.grader, texts, each, { i, ...request, rightAnswers }));
    }
    const answered = asked.filter(({ isAsked }) => isAsked);
    const lengths = [...replies.values()].flatMap((samples) => samples.map(({ tokens }) => tokens.length));
    const unsound = unsoundShare(answered.map(({ work }) => work));
    const right = answered.flatMap((each) => (each.right === undefined ? [] : [each.right]));
    const reasons = canaries.flatMap(({ clean, changed, question }) => {
      const reason = refused.get(clean.id) ?? refused.get(changed.id);
      return reason === undefined ? [] : [{ question, reason }];
    });
    return {
      version,
      answers: asked.map(({ answer }) => answer),
      sure: asked.map(({ sure }) => sure),
      shares: asked.map(({ share }) => share),
      same: answered.map(({ same }) => same),
      ...(reasons.length === 0 ? {} : { asked: asked.map(({ isAsked }) => isAsked), refused: reasons }),
      ...(trusted === undefined ? {} : { asTrusted: asked.map(({ asTrusted }) => asTrusted) }),
      ...(origin === undefined ? {} : { asOrigin: asked.map(({ asOrigin }) => asOrigin) }),
      ...(recent === undefined
        ? {}
        : {
            asRecent: asked.map(({ asRecent }) => asRecent),
            shareRecent: asked.map(({ shareRecent }) => shareRecent),
          }),
      ...(lengths.length === 0 ? {} : { tokens: mean(lengths) }),
      ...(unsound === undefined ? {} : { unsound }),
      ...(right.length === 0 ? {} : { right }),
    };
  };
}

export function probing(request: ProbeRequest, { sampleSeconds }: Config['timeouts']): Call<AskCanaries, Probe> {
  return {
    doing: `asking the canaries with version ${request.version}`,
    seconds: sampleSeconds,
    run: (port, signal) => port(request, signal),
  };
}

/** What the canary at index `i` is compared with. */
type Earlier = Pick<ProbeRequest, 'trusted' | 'origin' | 'recent'> & {
  readonly i: number;
  readonly rightAnswers: readonly string[] | undefined;
};

async function compared(
  grader: Classifier,
  texts: readonly string[],
  each: number,
  { i, trusted, origin, recent, rightAnswers }: Earlier,
): Promise<Asked> {
  if (texts.length === 0) return NOT_ASKED;
  const given = texts.map(extractAnswer);
  const classes = await grader.classify([
    ...given,
    ...[trusted, origin, recent].map((earlier) => earlier?.answers[i] ?? null),
    ...(rightAnswers ?? []),
  ]);
  const { winner, share, sure, same } = canary(classes.slice(0, each), classes.slice(each, given.length));
  const is = (own: number | undefined): boolean => winner >= 0 && own === winner;
  const [asTrusted, asOrigin, asRecent, ...right] = classes.slice(given.length);
  return {
    isAsked: true,
    answer: winner < 0 ? null : given[classes.indexOf(winner)]!,
    share,
    sure,
    same,
    asTrusted: is(asTrusted),
    asOrigin: is(asOrigin),
    asRecent: is(asRecent),
    shareRecent: mean(classes.slice(0, given.length).map((own) => Number(own >= 0 && own === asRecent))),
    right: rightAnswers === undefined ? undefined : right.some(is),
    work: soundnessOf(texts, classes, winner),
  };
}

/** In their own seeded order. */
function selectCanaries({ heldOut, train, labels, config }: GuardianParts): readonly Canary[] {
  const pool = heldOut.size > 0 ? heldOut : train;
  const order = new Random(config.seed, 'canaries').shuffle(Array.from({ length: pool.size }, (_, i) => i));
  return order.slice(0, config.guardian.canaries).map((i): Canary => {
    const question = pool.question(i);
    const label = labels?.label(question.id);
    return {
      question: question.id,
      clean: { ...question, id: `canary:${question.id}` },
      changed: {
        ...question,
        id: `canary:${question.id}:changed`,
        pictures: question.pictures.map((of) => ({ type: 'disturbed', of, seed: config.seed })),
      },
      rightAnswers: label === undefined ? undefined : [label, ...(labels?.alternatives?.(question.id) ?? [])],
    };
  });
}
