/** Describes the fault of a plug-in's reply: where it is, what is expected, and what was given. */
import { z } from 'zod';
import { shown } from '../lib/shown.ts';

type Issue = z.core.$ZodIssue;

export const text = (most: number) =>
  z
    .string(`expected a text`)
    .min(1, 'expected a text that is not empty')
    .max(most, `expected a text of at most ${most} characters`);
export const finite = z.number('expected a finite number');

/** The learner computes in 32 bits. */
export function isFinite32(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

/** Undefined where `reply` is as the schema has it. */
export function wrongReply(schema: z.ZodType, reply: unknown): string | undefined {
  const [first] = schema.safeParse(reply).error?.issues ?? [];
  if (!first) return undefined;
  const nearest = nearestOf(first);
  const where = nearest.path.join('.');
  return where === '' ? wordsOf(nearest, reply) : `${where}: ${wordsOf(nearest, reply)}`;
}

/** Of alternatives without their own message, the one with the fewest faults. */
function nearestOf(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue;
  const [first] = issue.errors.toSorted((a, b) => a.length - b.length)[0] ?? [];
  return first ? nearestOf({ ...first, path: [...issue.path, ...first.path] }) : issue;
}

function wordsOf(issue: Issue, reply: unknown): string {
  const value = issue.path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
    reply,
  );
  // `wrongNumbers` has reported everything.
  if (issue.code === 'custom' && issue.params?.['told'] === true) return issue.message;
  if (issue.code === 'unrecognized_keys')
    return `unknown field ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  if (value === undefined && issue.path.length > 0) return `missing; ${expected(issue)}`;
  if (typeof value === 'number' && !Number.isFinite(value) && /\b(?:number|int)\b/.test(issue.message))
    return `${value} is not finite`;
  return `${expected(issue)}, found ${found(value)}`;
}

/** Our own message, or zod's without its first words: `Too small: expected array to have >=1 items`. */
function expected({ message }: Issue): string {
  const bare = message
    .replace(/^(?:Invalid \w+: |Too \w+: |Invalid discriminator value. )/, '')
    .replace(/, received .*$/, '');
  return bare
    .replace('Expected', 'expected')
    .replace(/^expected (array|int|number|object|string|boolean)$/, (_, type: string) => `expected ${KINDS[type]}`);
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'an array',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  string: 'a text',
  boolean: 'true or false',
};

function found(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'string' && value.length > 40 ? `a text of ${value.length} characters` : shown(value);
}

/** One number a response: undefined where `reply` is that. */
export function wrongNumbers(reply: unknown, count: number): string | undefined {
  if (!Array.isArray(reply) || reply.length !== count)
    return `expected an array of ${count} numbers, one a response, found ${found(reply)}`;
  const at = reply.findIndex((value) => !isFinite32(value));
  if (at < 0) return undefined;
  const value: unknown = reply[at];
  if (typeof value !== 'number') return `response ${at}: expected a number, found ${found(value)}`;
  return `response ${at}: ${value} is not finite${Number.isFinite(value) ? ' in 32 bits' : ''}`;
}

/** The same as a schema, to be a field of another. */
export function numbersSchema(count: number): z.ZodType<readonly number[]> {
  return arraySchema((value) => wrongNumbers(value, count));
}

/** A step has tens of thousands of these numbers: a schema for each element would be most of what a plug-in costs. */
export function each(isRight: (value: unknown) => boolean, words: string): z.ZodType<readonly number[]> {
  return arraySchema((value) => {
    if (!Array.isArray(value)) return `expected an array of ${words}, found ${found(value)}`;
    const at = value.findIndex((element) => !isRight(element));
    return at < 0 ? undefined : `expected an array of ${words}, found ${shown(value[at])} at ${at}`;
  });
}

function arraySchema(wrong: (value: unknown) => string | undefined): z.ZodType<readonly number[]> {
  return z.custom<readonly number[]>().superRefine((value, { addIssue }) => {
    const message = wrong(value);
    if (message !== undefined) addIssue({ code: 'custom', message, params: { told: true }, continue: false });
  });
}

/** A reward may be undefined, the numbers, or an object that holds them. */
export function wrongReward(schema: z.ZodType, reply: unknown, count: number): string | undefined {
  if (reply === undefined) return undefined;
  if (typeof reply === 'object' && reply !== null && 'rewards' in reply) return wrongReply(schema, reply);
  const wrong = wrongNumbers(reply, count);
  return Array.isArray(reply)
    ? wrong
    : wrong?.replace(', one a response', ', one a response, {rewards, verified} with such an array, or undefined');
}
