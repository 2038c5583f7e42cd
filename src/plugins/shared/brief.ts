/** An event as it leaves the daemon. */
import type { LoopEvent } from 'quorum';
import { z } from 'zod';

type EventType = LoopEvent['type'];
const TYPES: Readonly<Record<EventType, true>> = { judged: true, learnt: true, evaluated: true };

/** Option: which events are wanted. */
export const eventTypes = z
  .array(z.enum(Object.keys(TYPES) as [EventType, ...EventType[]]))
  .min(1)
  .default(Object.keys(TYPES) as EventType[])
  .describe('Events that are wanted.');

/**
 * One line of JSON, with the time in milliseconds since 1970. Tokens and their log-probabilities, most of an event's
 * bytes, only on request.
 */
export function eventLine(event: LoopEvent, { tokens, at }: { readonly tokens: boolean; readonly at: number }): string {
  return JSON.stringify({ at, ...(tokens || event.type !== 'judged' ? event : withoutTokens(event)) });
}

/** Whether a file that starts so has lines of `eventLine`. */
export function startsWithEvent(start: string): boolean {
  return new RegExp(`^{"at":\\d+,"type":"(?:${Object.keys(TYPES).join('|')})"`).test(start);
}

function withoutTokens({ type, judged: { group, verdict } }: LoopEvent & { readonly type: 'judged' }): object {
  const samples = group.samples.map(({ text, finish, tokens }) => ({ text, finish, tokenCount: tokens.length }));
  return { type, judged: { group: { ...group, samples }, verdict } };
}
