import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PassOffer } from '../../src/cluster/pass-offer.ts';
import type { GradientRequest, HelpersGradient } from '../../src/protocol/passes.ts';

const REQUEST = {} as GradientRequest;
const gradientOf = (value: number): HelpersGradient => ({
  gradients: new Float32Array(new SharedArrayBuffer(4)).fill(value).buffer,
  terms: {},
  gap: { sum: 0, most: 0, tokens: 0 },
  isDue: false,
  tolerance: 0,
});

/** An offer of `passes` passes, the first of which is the learner's, at a clock that the test sets. */
function offerOf(passes: number) {
  const clock = { now: 0 };
  const parked = new Map<string, string>();
  const offer = new PassOffer(
    {
      weights: { version: 0, id: 'a', size: 4, read: () => Promise.resolve(new Uint8Array(4)) },
      bytes: 4,
      requests: Array.from({ length: passes }, (_, at) => (at === 0 ? undefined : REQUEST)),
    },
    {
      isParked: (worker) => parked.has(worker),
      park: (worker, why) => parked.set(worker, why),
      closed: () => {},
      now: () => clock.now,
    },
  );
  offer.blob = { sha: 'b', size: 4 };
  return { offer, clock, parked };
}

describe('an offer of passes', () => {
  it('lends from the last pass on; a pass counts once, and no order of events leaves the learner waiting', async () => {
    const event = fc.record({ what: fc.constantFrom('lend', 'give', 'lose', 'take'), which: fc.nat() });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.array(event, { maxLength: 60 }), async (passes, events) => {
        const { offer } = offerOf(passes);
        const out: number[] = [];
        const taken: (HelpersGradient | undefined)[] = [];
        let lastLent = passes;
        const learner = { next: 0, isWaiting: false };
        const take = async (): Promise<void> => {
          const at = learner.next++;
          learner.isWaiting = true;
          taken[at] = await offer.take(at);
          learner.isWaiting = false;
        };
        for (const { what, which } of events) {
          if (what === 'lend' && offer.free > 0) {
            const at = offer.lend(`worker ${which}`);
            expect(at).toBeLessThan(lastLent);
            lastLent = at;
            out.push(at);
          } else if ((what === 'give' || what === 'lose') && out.length > 0) {
            const [at] = out.splice(which % out.length, 1);
            if (what === 'give') offer.give(at!, gradientOf(at!));
            else offer.lose(at!);
          } else if (what === 'take' && !learner.isWaiting && learner.next < passes) void take();
          await Promise.resolve().then(() => {});
        }
        for (const at of out) offer.lose(at);
        await new Promise(setImmediate);
        expect(learner.isWaiting).toBe(false);
        while (learner.next < passes) await take();
        taken.forEach((gradient, at) => {
          if (gradient) expect(new Float32Array(gradient.gradients)[0]).toBe(at);
        });
        expect([taken.length, taken[0], offer.free, offer.held]).toEqual([passes, undefined, 0, 0]);
      }),
    );
  });

  it('gives up a worker that is gone, that fell silent, or that is slower than the learner is patient', async () => {
    const { offer, clock } = offerOf(2);
    const here = (): boolean => true;
    expect(offer.lend('a')).toBe(1);
    await offer.take(0);
    clock.now = 10_000; // the learner's own pass takes 10 s
    const taken = offer.take(1);
    expect(offer.overdue(15_000, here)).toBeUndefined();
    expect(offer.overdue(15_000, () => false)).toMatchObject({ worker: 'a', isSlow: false });
    clock.now = 15_001;
    expect(offer.overdue(15_000, here)).toMatchObject({ at: 1, isSlow: false });
    offer.renew(1);
    expect(offer.overdue(15_000, here)).toBeUndefined();
    clock.now = 40_001;
    offer.renew(1);
    expect(offer.overdue(15_000, here)).toEqual({ at: 1, worker: 'a', isSlow: true });
    offer.lose(1);
    expect(await taken).toBeUndefined();
    offer.give(1, gradientOf(1)); // it comes too late
    expect([offer.held, offer.overdue(15_000, here)]).toEqual([0, undefined]);
  });

  it('takes nothing from a parked worker, and parks the one whose gradient is wrong', async () => {
    const { offer, parked } = offerOf(3);
    for (const [worker, at] of [
      ['liar', 2],
      ['other', 1],
    ] as const) {
      expect(offer.lend(worker)).toBe(at);
      offer.give(at, gradientOf(at));
    }
    parked.set('other', 'its groups are wrong');
    expect([await offer.take(0), await offer.take(1)]).toEqual([undefined, undefined]);
    expect(await offer.take(2)).toBeDefined();
    offer.reject(2, 'its gradient is wrong');
    expect(parked.get('liar')).toBe('its gradient is wrong');
  });

  it('gives a learner that waits its pass back when it is closed', async () => {
    const { offer } = offerOf(2);
    offer.lend('a');
    const taken = offer.take(1);
    offer.close();
    expect([await taken, offer.free, offer.held]).toEqual([undefined, 0, 0]);
  });
});
