/** Checks the replies of plug-ins: one check per port, for src/plugin/port-table.ts. */
import { z } from 'zod';
import type { Evaluation, Question, RolloutGroup, Sample, Verdict } from '../protocol/messages.ts';
import type {
  AdvantageRequest,
  AskRequest,
  CheckRequest,
  EvaluateRequest,
  ModelLimits,
  RewardRequest,
  SampleReply,
  SampleRequest,
  SynthesizeRequest,
} from '../protocol/ports.ts';
import { panel } from './panel-content.ts';
import { picture } from './picture-schema.ts';
import { each, finite, isFinite32, numbersSchema, text, wrongNumbers, wrongReply, wrongReward } from './reply-words.ts';

/** Making a schema takes a hundred times as long as using it: one is made for each size, and there are few sizes. */
function bySize<T>(make: (n: number) => T): (n: number) => T {
  const made = new Map<number, T>();
  return (n) => {
    const known = made.get(n) ?? make(n);
    made.set(n, known);
    return known;
  };
}

const numbers = bySize(numbersSchema);

/** Strict: a label has no field to hide in. */
const question = z.strictObject({
  id: text(256),
  text: text(100_000),
  pictures: z.array(picture).max(64),
  origin: z.enum(['dataset', 'in-context', 'direct', 'plugin']),
  kind: text(256).optional(),
  parentId: text(256).optional(),
  verbatim: z.literal(true).optional(),
});

const finish = z.enum(['stop', 'length', 'cancelled']);

const tokens = each(
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  'token ids, whole numbers from 0',
);
const logprobs = each(
  (value) => isFinite32(value) && (value as number) <= 1e-3,
  'log-probabilities, finite numbers up to 0',
);

const sample = z
  .strictObject({
    tokens: tokens.refine(({ length }) => length > 0 && length <= 1_000_000, 'expected between 1 and 1,000,000 tokens'),
    logprobs,
    refLogprobs: logprobs.optional(),
    text: z.string().max(10_000_000),
    finish,
  })
  .refine(
    ({ tokens, logprobs, refLogprobs = logprobs }) =>
      logprobs.length === tokens.length && refLogprobs.length === tokens.length,
    {
      error: 'expected as many logprobs (and refLogprobs) as tokens',
    },
  );

const verdict = bySize((n) =>
  z.strictObject({
    groupId: text(256),
    answers: z.array(z.string().nullable()).length(n),
    classes: z.array(z.int().min(-1)).length(n),
    winner: z.int().min(-1),
    share: z.number().min(0).max(1),
    rewards: numbers(n),
    advantages: numbers(n),
    kept: z.boolean(),
    dropped: z
      .enum([
        'all-agree',
        'equal-rewards',
        'no-box',
        'no-vote',
        'share-floor',
        'too-long',
        'refused',
        'filtered',
        'gone',
      ])
      .optional(),
    why: z.string().max(1000).optional(),
    lost: z
      .strictObject({ by: z.record(z.string(), z.int().min(1)), classes: z.array(z.int().min(-1)).length(n) })
      .optional(),
  }),
);

/** Questions that a check may ask about one group, and samples of each. */
const MOST_FURTHER = 64;

const share = z.number().min(0).max(1);
const accuracy = z.object({ n: z.int(), k: z.int(), greedy: share, pass1: share, majK: share, passK: share });
const stepMetrics = z.record(z.string(), finite);

const questions = bySize((count) =>
  z
    .array(question, 'expected an array of questions')
    .min(1, 'expected at least one question')
    .max(count, `expected at most ${count} questions, as asked`),
);
const samples = bySize((n) =>
  z.array(sample, 'expected an array of samples').length(n, `expected ${n} samples for each question`),
);
const groups = bySize((n) => z.array(z.array(sample)).length(n, `expected ${n} groups, one for each question`));
const sampled = z.strictObject({
  groups: z.array(z.unknown()),
  promptTokens: z.number().min(0),
  newTokens: z.number().min(0),
  seconds: z.number().min(0),
  scaledPictures: z.int().min(0).optional(),
});
const learnt = z.object({ version: z.object({ n: z.int(), parent: z.int(), batchId: z.int() }), metrics: stepMetrics });
const labelFree = z.object({
  n: z.int().min(1),
  answered: share,
  asBase: share.nullable(),
  asTrusted: share.nullable(),
  trusted: z.int().nullable(),
  voteShare: share,
  entropy: finite,
  responseTokens: finite,
});
const evaluated = z.object({
  version: z.int(),
  greedy: share,
  n: z.int().min(1),
  full: accuracy.optional(),
  labelFree: labelFree.optional(),
});
const evaluatedWithoutLabels = z.object({
  version: z.int(),
  greedy: z.null(),
  n: z.literal(0),
  labelFree: labelFree.optional(),
});
const written = bySize((count) =>
  z
    .array(
      z.strictObject({ question, seed: z.custom<Question>().nullable(), finish }),
      'expected an array of written questions',
    )
    .max(count, `expected at most ${count} questions, as asked`),
);
const rewarded = bySize((n) =>
  z.strictObject({ rewards: numbers(n), verified: z.boolean('expected true or false').optional() }),
);
const whyDropped = z.union(
  [text(1000), z.undefined()],
  'expected a text of 1 to 1000 characters, why the group is dropped, or undefined to keep it',
);

const finding = z.discriminatedUnion('vote', [
  z.strictObject({ vote: z.literal(true) }),
  z.strictObject({
    vote: z.literal(false),
    why: text(1000),
    step: text(1000).optional(),
    falseFrom: z.int().min(0).optional(),
  }),
  z.strictObject({ vote: z.literal(null), why: text(1000) }),
]);
const findings = bySize((n) =>
  z
    .array(finding, 'expected an array of findings, or {questions, samples} to ask for samples')
    .length(n, `expected ${n} findings, one a response`),
);
const further = z.strictObject({
  questions: z
    .array(question.pick({ text: true, pictures: true, verbatim: true }))
    .min(1)
    .max(MOST_FURTHER),
  samples: z.int().min(1).max(MOST_FURTHER),
  temperature: z.number().min(0).max(10).optional(),
});

const NO_LIMITS: ModelLimits = { vocabulary: Infinity, context: Infinity };

/** A sentence about the fault of a reply; undefined for a valid reply. Validity may depend on the request. */
export type ReplyCheck<Request = never> = (
  reply: unknown,
  request: Request,
  limits: ModelLimits | undefined,
) => string | undefined;

export const wrongQuestions: ReplyCheck<AskRequest> = (reply, { count }) => wrongReply(questions(count), reply);

export const wrongResponses: ReplyCheck<SampleRequest> = (reply, request, limits) =>
  wrongReply(sampled, reply) ?? wrongGroups((reply as SampleReply).groups, request, limits);

export const wrongVerdict: ReplyCheck<RolloutGroup> = (reply, { id, samples: { length } }) =>
  wrongReply(verdict(length), reply) ?? other('groupId', (reply as Verdict).groupId, id);

export const wrongStep: ReplyCheck = (reply) => wrongReply(learnt, reply);

export const wrongEvaluation: ReplyCheck<EvaluateRequest> = (reply, { version }) =>
  wrongReply((reply as Evaluation | null | undefined)?.greedy === null ? evaluatedWithoutLabels : evaluated, reply) ??
  other('version', (reply as Evaluation).version, version);

export const wrongWritten: ReplyCheck<SynthesizeRequest> = (reply, { count }) => wrongReply(written(count), reply);

export const wrongFindings: ReplyCheck<CheckRequest> = (reply, { group: { samples: responses }, further: given }) => {
  if (typeof reply !== 'object' || reply === null || Array.isArray(reply))
    return wrongReply(findings(responses.length), reply);
  return given === undefined
    ? wrongReply(further, reply)
    : 'expected findings: it was given the samples that it asked for';
};

export const wrongRewards: ReplyCheck<RewardRequest> = (reply, { group: { samples: responses } }) =>
  wrongReward(rewarded(responses.length), reply, responses.length);

export const wrongAdvantages: ReplyCheck<AdvantageRequest> = (reply, { group }) =>
  wrongNumbers(reply, group.samples.length);

export const wrongWhy: ReplyCheck = (reply) => wrongReply(whyDropped, reply);

export const wrongPanel: ReplyCheck = (reply) => wrongReply(panel, reply);

/** The loop does not look at the reply. */
export const anyReply: ReplyCheck = () => undefined;

function wrongGroups(
  reply: unknown,
  { questions: { length }, params }: SampleRequest,
  limits: ModelLimits | undefined,
): string | undefined {
  const given = reply as readonly unknown[];
  if (given.length !== length) return wrongReply(groups(length), reply);
  for (const [i, group] of given.entries()) {
    const wrong = wrongReply(samples(params.samples), group);
    if (wrong !== undefined) return `groups.${i}${/^\d/.test(wrong) ? '.' : ': '}${wrong}`;
    for (const [j, { tokens }] of (group as readonly Sample[]).entries()) {
      const beyond = beyondModel(tokens, params.maxNewTokens, limits);
      if (beyond !== undefined) return `groups.${i}.${j}.tokens: ${beyond}`;
    }
  }
  return undefined;
}

/**
 * A token outside the model's vocabulary would fail the learner's step, and a response over the requested length might
 * exceed its memory.
 */
function beyondModel(
  tokens: readonly number[],
  asked: number,
  { vocabulary, context }: ModelLimits = NO_LIMITS,
): string | undefined {
  const most = Math.min(asked, context);
  if (tokens.length > most)
    return `expected at most ${most} tokens (maxNewTokens, and what the model's context holds), found ${tokens.length}`;
  const outside = tokens.find((token) => token >= vocabulary);
  return outside === undefined
    ? undefined
    : `expected token ids below ${vocabulary}, the size of the model's vocabulary, found ${outside}`;
}

function other(name: string, given: unknown, asked: unknown): string | undefined {
  return given === asked
    ? undefined
    : `${name}: expected ${JSON.stringify(asked)}, as asked, found ${JSON.stringify(given)}`;
}
