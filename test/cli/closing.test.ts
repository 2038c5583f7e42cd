import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { closingWords } from '../../src/cli/commands/start.ts';
import type { Report } from '../../src/protocol/status.ts';
import { RUNNING } from './view/status.ts';

const REPORT: Report = {
  model: 'models/mini',
  data: 'figures',
  seed: 1,
  steps: 48,
  wallSeconds: 761,
  baseline: null,
  final: null,
  best: null,
  history: RUNNING.accuracy.history,
  throughput: RUNNING.throughput,
  staleness: { max: 1, histogram: [0, 48] },
  groups: { sampled: 10, kept: 8, dropped: {} },
  refused: [],
  restarts: 0,
  memory: { peakRssBytes: 1 },
  saved: 48,
  folder: '/runs/a/model',
  bestFolder: '/runs/a/best/v000040',
  end: 'stopped',
};

function words(report: Report): string[] {
  return closingWords(report).map((line) => stripVTControlCharacters(line));
}

describe('closingWords', () => {
  it('give the model’s accuracy, its folder, and how to continue', () => {
    expect(words(REPORT)).toEqual([
      '',
      'Version 48 after 12:41: accuracy 79.3 % (+26.3 points from 53.0 %)',
      '  model  /runs/a/model',
      '  best   /runs/a/best/v000040',
      'Start again to continue from here.',
    ]);
  });

  it('give accuracy by level at the end and at the base, where there are levels', () => {
    const levels = [0, 45].map((version, i) => ({ version, levels: { 1: 1, 2: 0.5, 10: 0.5 * i } }));
    expect(words({ ...REPORT, levels })[2]).toBe('  levels 1 █▄▄ 10  at version 0 █▄▁');
  });

  it('claim no accuracy that was not measured', () => {
    expect(words({ ...REPORT, history: [], bestFolder: null })).toEqual([
      '',
      'Version 48 after 12:41',
      '  model  /runs/a/model',
      'Start again to continue from here.',
    ]);
  });

  it('name only versions that are saved', () => {
    const rest = 'the next start learns what follows again from the stored batches';
    expect(words({ ...REPORT, saved: 40 })[2]).toBe(`  model  /runs/a/model has version 40: ${rest}`);
    expect(words({ ...REPORT, saved: null })[2]).toBe(`  model  no checkpoint yet: ${rest}`);
  });

  it('start with the failure', () => {
    expect(words({ ...REPORT, end: 'failed', error: 'no space left' })[1]).toBe('Failed: no space left');
  });
});
