/** Parses a browser's frames strictly: an unknown key or method is an error. */
import { z } from 'zod';
import { browserCommand } from '../../src/protocol/command-schema.ts';
import type { ClientFrame } from '../../src/protocol/frames.ts';
import { natural } from './fields.ts';
import { METHODS, paramsOf } from './requests.ts';

const frame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('hello'), v: z.int() }),
  z.strictObject({
    type: z.literal('request'),
    id: natural(),
    method: z.enum(METHODS),
    params: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal('command'), id: natural(), command: browserCommand }),
]);

/** @throws Error that says in a few words what is wrong. */
export function parseFrame(value: unknown): ClientFrame {
  const parsed = check(frame, value, 'frame');
  if (parsed.type !== 'request') return parsed;
  const params = check<unknown>(paramsOf(parsed.method), parsed.params, parsed.method);
  return { ...parsed, params } as ClientFrame;
}

/** The frames version of a hello, whose other fields may differ from this version's. */
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
