/**
 * What moves between the daemon and its workers over NATS, as msgpack. A worker asks for orders by a `beat` each second;
 * leases of jobs and groups go through queues (queues.ts); workers that learn ask for passes. A question is its id, its
 * text and its pictures: no message holds a label.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { configSchema } from '../config/schema.ts';
import { portablePicture } from '../plugin/picture-schema.ts';
import { decode } from '../protocol/codec.ts';
import { InputError } from '../protocol/errors.ts';

const count = () => z.int().min(0);
const word = (most: number) => z.string().min(1).max(most);
/** SHA-256 in hex. */
const sha = z.string().regex(/^[0-9a-f]{64}$/);
/** A token of a NATS subject: no dots, no wildcards. */
export const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export const ROLES = ['sampler', 'learner'] as const;
export type Role = (typeof ROLES)[number];

/** Producer: worker. Consumer: daemon, which answers with `Orders`. */
export const beatSchema = z.strictObject({
  /** Of this process. */
  id: z.string().regex(NAME),
  name: z.string().regex(NAME),
  host: word(256),
  pid: count(),
  devices: z.array(word(64)).min(1).max(256),
  roles: z.array(z.enum(ROLES)).min(1),
  /** Id of the setup that it works with; null while it has none. */
  setup: sha.nullable(),
  /** Version that it sampled or computed a gradient with last. */
  version: count().nullable(),
  /** Leases in hand, of jobs and of passes. */
  holds: z.array(word(64)).max(256),
  /** Over NATS and HTTP since its start, without headers and what TLS adds. */
  sentBytes: count(),
  receivedBytes: count(),
  /** Whether it takes no more leases and ends. */
  leaving: z.boolean(),
});
export type Beat = z.output<typeof beatSchema>;

/** Names a worker's process. Its end of a NATS subject: the server lets no worker publish under the name of another. */
export function keyOf({ name, id }: Pick<Beat, 'name' | 'id'>): string {
  return `${name}.${id}`;
}

/** Content that the daemon serves over HTTP by its hash. */
export const blobSchema = z.strictObject({ sha, size: count() });
export type Blob = z.output<typeof blobSchema>;

const policySchema = configSchema.pick({
  promptTemplate: true,
  prompt: true,
  pictures: true,
  seed: true,
  workers: true,
  learner: true,
  sampling: true,
  loop: true,
  timeouts: true,
});
export type PolicySetup = z.output<typeof policySchema>;

/** All that a worker needs to sample and to compute gradients as the daemon would. */
const setupSchema = z.strictObject({
  /** Names the content. */
  id: sha,
  model: z.array(blobSchema.extend({ name: z.string().regex(/^[\w.-]{1,255}$/) })).max(4_096),
  policy: policySchema,
});
export type Setup = z.output<typeof setupSchema>;

/** Producer: daemon. Consumer: worker. */
export const ordersSchema = z.strictObject({
  /** `wait`: another process has the worker's name. */
  order: z.enum(['work', 'drain', 'park', 'wait']),
  why: z.string().max(1_000).optional(),
  /** Where blobs are, and the token that they take. */
  blobs: z.strictObject({ url: z.url(), token: word(256) }),
  /** Absent where the worker has it. */
  setup: setupSchema.optional(),
});
export type Orders = z.output<typeof ordersSchema>;

/** Strict, so that no further field can carry a label. */
const questionSchema = z.strictObject({
  id: word(256),
  text: z.string().max(100_000),
  pictures: z.array(portablePicture).max(64),
  verbatim: z.literal(true).optional(),
});

/** A job to be sampled. Producer: daemon. Consumer: the worker that takes it. */
export const leaseSchema = z.strictObject({
  /** Names the setup, the weights, the parameters and the questions. */
  id: word(64),
  setup: sha,
  /** To be renewed within this time, or another worker gets it. */
  seconds: z.number().positive(),
  weights: blobSchema,
  /** Pictures of the questions, by hash. */
  pictures: z.array(blobSchema).max(65_536),
  request: z.strictObject({
    questions: z.array(questionSchema).min(1),
    params: z.strictObject({
      samples: count(),
      temperature: z.number(),
      topP: z.number(),
      topK: count(),
      maxNewTokens: count(),
    }),
    seed: count(),
    version: count(),
    reference: z.boolean().optional(),
  }),
});
export type Lease = z.output<typeof leaseSchema>;

/** Producer: worker. Consumer: daemon. `samples` are checked like those of a plug-in. */
export const groupSchema = z.strictObject({
  lease: word(64),
  /** Hash of the weights that sampled it. */
  weights: sha,
  /** Of the lease's questions. */
  index: count(),
  samples: z.array(z.unknown()).max(65_536),
  /** Of the whole lease. */
  totals: z.strictObject({
    promptTokens: count(),
    newTokens: count(),
    seconds: z.number().min(0),
    scaledPictures: count().optional(),
  }),
});
export type GroupMessage = z.output<typeof groupSchema>;

const LONGEST_FAILURE = 1_000;

/** The lease cannot be sampled. Producer: worker. Consumer: daemon. */
export const failureSchema = z.strictObject({
  lease: word(64),
  failure: z.string().max(LONGEST_FAILURE),
});
export type FailureMessage = z.output<typeof failureSchema>;

/** The error as `failure` of a message. */
export function failureOf({ message }: Error): string {
  return message.slice(0, LONGEST_FAILURE);
}

/** Arrays of thousands of numbers, so each is looked at once. */
const numbers = z.custom<readonly number[]>(
  (value) => Array.isArray(value) && value.every((each) => typeof each === 'number'),
  'expected numbers',
);

/** A pass, the content of a blob. Producer: daemon. Consumer: the worker that has its lease. */
export const gradientRequestSchema = z.strictObject({
  loss: word(100_000),
  temperature: z.number(),
  tokens: count(),
  promptLength: count(),
  responseLength: count(),
  groups: z
    .array(
      z.strictObject({
        question: questionSchema,
        responses: z
          .array(
            z.strictObject({
              tokens: numbers,
              weights: numbers.optional(),
              values: z.record(word(256), numbers).optional(),
              sampled: numbers.optional(),
            }),
          )
          .min(1)
          .max(65_536),
      }),
    )
    .min(1)
    .max(65_536),
});
export type WireRequest = z.output<typeof gradientRequestSchema>;

/** A pass whose gradient is to be computed. Producer: daemon, where a worker asks. Consumer: that worker. */
export const passLeaseSchema = z.strictObject({
  /** Names the place to put the gradient to. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  setup: sha,
  version: count(),
  weights: blobSchema,
  pictures: z.array(blobSchema).max(65_536),
  /** A `gradientRequestSchema`. */
  request: blobSchema,
});
export type PassLease = z.output<typeof passLeaseSchema>;

/** Producer: a worker that learns. Consumer: daemon, which answers `ask` with a lease or null, the others with null. */
export const passMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ask') }),
  z.strictObject({
    type: z.literal('done'),
    lease: word(64),
    /** Of the gradient, which the daemon has by then. */
    sha,
    terms: z.record(word(64), z.number()),
    gap: z.strictObject({ sum: z.number().min(0), most: z.number().min(0), tokens: count() }),
  }),
  failureSchema.extend({ type: z.literal('failed') }),
]);
export type PassReport = z.output<typeof passMessageSchema>;

/** @throws InputError that names the message and the field. */
export function read<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  const parsed = schema.safeParse(decode(bytes));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new InputError(`${what}: ${issue.path.join('.')}: ${issue.message}`);
}

/** Node hashes less than 2 GB in one call. */
const HASHED_BYTES = 2 ** 30;

export function hashOf(content: unknown): string {
  const hash = createHash('sha256');
  if (!(content instanceof Uint8Array)) return hash.update(JSON.stringify(content)).digest('hex');
  for (let at = 0; at < content.length; at += HASHED_BYTES) hash.update(content.subarray(at, at + HASHED_BYTES));
  return hash.digest('hex');
}
