import { describe, expect, it } from 'vitest';
import { amount, bytes, duration, percent, points } from '../../../src/cli/view/format.ts';
import { plainLines } from '../../../src/cli/view/plain.ts';
import { RUNNING, STARTING } from './status.ts';

describe('plainLines', () => {
  it('opens with what runs, and says nothing when nothing is new', () => {
    expect(plainLines(undefined, STARTING)).toEqual([
      '[0:00] models/mini, figures, seed 1, run folder runs/default',
      '[0:00] starting',
    ]);
    expect(plainLines(RUNNING, { ...RUNNING, at: RUNNING.at + 1000 })).toEqual([]);
  });

  it('says a step, an evaluation, a new phase and each new note once', () => {
    const next = {
      ...RUNNING,
      phase: 'paused' as const,
      version: 49,
      step: 49,
      accuracy: { ...RUNNING.accuracy, now: { version: 49, greedy: 0.81, seconds: 760 } },
      notes: [...RUNNING.notes, { at: RUNNING.at, text: 'saved\nversion 49' }],
    };
    expect(plainLines(RUNNING, next)).toEqual([
      '[12:41] paused',
      '[12:41] saved version 49',
      '[12:41] step 49  share 0.71  reward 0.68  loss -0.0123  kl 0.0131  entropy 0.412  clipped 2.1 %  length 18.3  rollout 5,234 tokens/s  learner 12.3k tokens/s  staleness 1  kept 1568 of 2368',
      '[12:41] accuracy 81.0 % at version 49 (greedy, 200 held-out questions; base 53.0 %, best 80.1 %)',
    ]);
  });

  it('says each version that a start restores, and no figures of a step that it did not take', () => {
    const before = { ...STARTING, version: 25, restoring: 27 };
    const { restoring: _, ...restored } = { ...before, version: 27 };
    expect(plainLines(before, { ...before, version: 26 })).toEqual(['[0:00] version 26 of 27 restored']);
    expect(plainLines(before, restored)).toEqual(['[0:00] version 27 of 27 restored']);
    expect(plainLines(restored, { ...restored, version: 28 })).toEqual([]);
    expect(plainLines(RUNNING, { ...RUNNING, version: 49 })).toEqual([]);
  });

  it('says the accuracy by level where there are levels', () => {
    const now = { version: 49, greedy: 0.81, seconds: 760 };
    const levels = [{ version: 49, levels: { '2': 0.5, '1': 0.987, '10': 0 } }];
    expect(plainLines(RUNNING, { ...RUNNING, accuracy: { ...RUNNING.accuracy, now, levels } })).toEqual([
      expect.stringMatching(/best 80\.1 %\), % by level 1: 99, 2: 50, 10: 0$/),
    ]);
  });

  it('says where the dashboard is, once', () => {
    const served = { ...STARTING, dashboard: 'http://127.0.0.1:4747/' };
    expect(plainLines(undefined, served)[1]).toBe('[0:00] dashboard http://127.0.0.1:4747/');
    expect(plainLines(served, served)).toEqual([]);
  });

  it('says why it failed', () => {
    expect(plainLines(RUNNING, { ...RUNNING, phase: 'failed', error: 'no space left' })).toEqual([
      '[12:41] failed: no space left',
    ]);
  });
});

describe('numbers', () => {
  it.each([
    [percent(0.12345), '12.3 %'],
    [percent(null), '–'],
    [points(-0.031), '-3.1'],
    [points(0.2), '+20.0'],
    [amount(9999.4), '9,999'],
    [amount(12_345), '12.3k'],
    [amount(999_960), '1.0M'],
    [bytes(1.234e9), '1.23 GB'],
    [bytes(812e6), '812 MB'],
    [bytes(999_500), '1 MB'],
    [bytes(999_499), '999 kB'],
    [bytes(12_300), '12 kB'],
    [bytes(0), '0 kB'],
    [duration(7.9), '0:07'],
    [duration(3 * 3600 + 161), '3:02:41'],
    [duration(2 * 86_400 + 3 * 3600 + 120), '2d 03:02'],
  ])('%s', (shown, expected) => expect(shown).toBe(expected));
});
