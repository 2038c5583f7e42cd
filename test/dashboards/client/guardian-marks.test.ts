import { expect, it } from 'vitest';
import { guardianMarks, MOST_MARKS } from '../../../dashboards/client/charts/guardian-marks.ts';

const event = (id: number, data: unknown) => ({ id, at: 0, type: 'guardian', data });

it('marks where the guardian watched, acted and held, each once', () => {
  const events = [
    event(1, { level: 'watch', version: 82, why: '' }),
    event(2, { level: 'act', version: 108, why: '', remedy: {} }),
    event(2, { level: 'act', version: 108, why: '', remedy: {} }),
    event(3, { level: 'healthy', version: 122, why: '' }),
    event(4, { level: 'hold', version: 140, why: '' }),
    event(5, 'words of an older Quorum'),
  ];
  expect(guardianMarks(events).map(({ label, value, step }) => [label, value, step])).toEqual([
    ['', null, 82],
    ['collapse', null, 108],
    ['held', null, 140],
  ]);
});

it('keeps the newest', () => {
  const marks = guardianMarks(Array.from({ length: 100 }, (_, i) => event(i, { level: 'act', version: i })));
  expect(marks.length).toBe(MOST_MARKS);
  expect(marks.at(-1)!.step).toBe(99);
});
