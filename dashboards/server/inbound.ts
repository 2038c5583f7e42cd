/** What a browser may say, checked to the letter: an unknown key or method is an error. */
import { z } from 'zod';
import { browserCommand } from '../../src/protocol/command-schema.ts';
import type { ClientFrame, Method, Requests } from '../../src/protocol/frames.ts';
import type { DropReason, Origin } from '../../src/protocol/messages.ts';

const LONGEST_ID = 512;
export const MOST_ROWS = 200;
export const MOST_POINTS = 5000;

const natural = () => z.int().min(0);
const id = () => z.string().min(1).max(LONGEST_ID);
const share = () => z.number().min(0).max(1);
const rows = { before: natural().exactOptional(), limit: z.int().min(1).max(MOST_ROWS) };
const nothing = z.strictObject({});

// Records, so that the compiler asks for the ones that are new.
const ORIGINS: Readonly<Record<Origin, true>> = { dataset: true, 'in-context': true, direct: true, plugin: true };
const REASONS: Readonly<Record<DropReason, true>> = {
  'all-agree': true,
  'equal-rewards': true,
  'no-box': true,
  'share-floor': true,
  'too-long': true,
  refused: true,
  filtered: true,
  gone: true,
};

const filter = z.strictObject({
  kind: z.string().max(LONGEST_ID).exactOptional(),
  origin: z.enum(Object.keys(ORIGINS) as Origin[]).exactOptional(),
  verdict: z.enum(['kept', 'dropped', ...(Object.keys(REASONS) as DropReason[])]).exactOptional(),
  minShare: share().exactOptional(),
  maxShare: share().exactOptional(),
  text: z.string().max(LONGEST_ID).exactOptional(),
  questionId: id().exactOptional(),
  version: natural().exactOptional(),
});

const PARAMS: { readonly [M in Method]: z.ZodType<Requests[M]['params']> } = {
  history: z.strictObject({ from: natural().exactOptional(), to: natural().exactOptional(), maxPoints: z.int().min(1).max(MOST_POINTS) }),
  groups: z.strictObject({ filter, ...rows }),
  group: z.strictObject({ id: id() }),
  question: z.strictObject({ id: id(), limit: rows.limit }),
  questions: nothing,
  synthetic: z.strictObject(rows),
  rejected: z.strictObject({ limit: rows.limit }),
  versions: z.strictObject({ ...rows, only: z.enum(['evaluated', 'saved']).exactOptional() }),
  compare: z.strictObject({ a: natural(), b: natural() }),
  events: z.strictObject({ ...rows, kind: z.string().max(LONGEST_ID).exactOptional() }),
  actors: nothing,
  settings: nothing,
  plugins: nothing,
  panels: nothing,
};

const frame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('hello'), v: z.int() }),
  z.strictObject({
    type: z.literal('request'),
    id: natural(),
    method: z.enum(Object.keys(PARAMS) as Method[]),
    params: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal('command'), id: natural(), command: browserCommand }),
]);

/** @throws Error that says in a few words what is wrong. */
export function parseFrame(value: unknown): ClientFrame {
  const parsed = check(frame, value, 'frame');
  if (parsed.type !== 'request') return parsed;
  const params = check<unknown>(PARAMS[parsed.method], parsed.params, parsed.method);
  return { ...parsed, params } as ClientFrame;
}

/** Version in a hello of whatever shape: its own may differ from ours. */
export function helloVersion(value: unknown): number | undefined {
  const hello = value as { readonly type?: unknown; readonly v?: unknown } | null;
  return typeof hello === 'object' && hello?.type === 'hello' && typeof hello.v === 'number' ? hello.v : undefined;
}

function check<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error([name, ...issue!.path].join('.') + `: ${issue!.message}`);
}
