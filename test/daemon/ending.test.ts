import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ending } from '../../src/daemon/ending.ts';
import type { StopWhen } from '../../src/daemon/stop-when.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';

const counts = (sampled: number) => ({ counts: () => ({ sampled }) as never });
/** A condition that holds from the n-th event on. */
const holdsAfter = (n: number) => {
  let events = 0;
  const condition: Pick<StopWhen, 'tell' | 'reason'> = {
    tell: () => void (events += 1),
    get reason() {
      return events >= n ? `event ${events}` : undefined;
    },
  };
  return condition;
};
const LEARNT = { type: 'learnt' } as LoopEvent;

test('steps count over all starts, questions by the store, and a limit that is null never ends a run', () => {
  fc.assert(
    fc.property(
      fc.record({ steps: fc.option(fc.nat(9)), questions: fc.option(fc.nat(9)) }),
      fc.nat(12),
      fc.nat(12),
      (limits, version, sampled) => {
        const isDue =
          (limits.steps !== null && version >= limits.steps) ||
          (limits.questions !== null && sampled >= limits.questions);
        expect(new Ending(limits, counts(sampled), undefined).due(version)).toEqual(
          isDue ? { end: 'steps' } : undefined,
        );
      },
    ),
  );
});

test('the first reason counts: a condition, or what a plug-in asks for, comes before the steps', () => {
  const limits = { steps: 1, questions: null };
  const asked = new Ending(limits, counts(0), holdsAfter(2));
  asked.tell(LEARNT);
  asked.ask('mine', ' it\nis   enough ');
  asked.tell(LEARNT);
  asked.ask('other', 'later');
  expect(asked.due(1)).toEqual({ end: 'plugin', reason: 'plug-in mine: it is enough' });

  const held = new Ending(limits, counts(0), holdsAfter(1));
  held.tell(LEARNT);
  held.ask('mine', 'too late');
  expect(held.due(0)).toEqual({ end: 'condition', reason: 'loop.stopWhen: event 1' });
  expect(new Ending(limits, counts(0), holdsAfter(0)).due(0)?.end).toBe('condition'); // by an earlier start
});

test('a reason is one line of at most 500 characters, and a plug-in that gives none says so', () => {
  const reasonOf = (reason: string) => {
    const ending = new Ending({ steps: null, questions: null }, counts(0), undefined);
    ending.ask('mine', reason);
    return ending.due(0)!.reason!;
  };
  expect(reasonOf('\n \t')).toBe('plug-in mine: it gave no reason');
  expect(reasonOf('x'.repeat(9_000))).toBe(`plug-in mine: ${'x'.repeat(500)}`);
});
