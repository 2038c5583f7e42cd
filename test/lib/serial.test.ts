import { expect, it } from 'vitest';
import { serial } from '../../src/lib/serial.ts';

it('runs one piece of work at a time, in the order of the calls, and a failure reaches its own caller only', async () => {
  const inTurn = serial();
  const log: string[] = [];
  const work = (name: string, turns: number, fails = false) =>
    inTurn(async () => {
      log.push(`${name} begins`);
      for (let i = 0; i < turns; i += 1) await Promise.resolve();
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const outcomes = await Promise.allSettled([work('a', 5), work('b', 0, true), work('c', 2)]);
  expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
