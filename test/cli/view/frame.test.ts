import fc from 'fast-check';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { renderFrame } from '../../../src/cli/view/frame.ts';
import { anyStatus, CHOOSING, RUNNING, STARTING, SYNTHESIZING, WORKERS } from './status.ts';

const plain = pc.createColors(false);
const coloured = pc.createColors(true);
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[\d+m/g;

/** Times of day in notes are local, so snapshots leave them out. */
function withoutNotes(status: typeof RUNNING): typeof RUNNING {
  return { ...status, notes: [] };
}

describe('renderFrame', () => {
  it.each([60, 80, 120])('draws a run in %i columns', (width) => {
    expect(
      renderFrame(withoutNotes(RUNNING), { width, rows: 40, colors: plain, hint: 'Ctrl-C saves and stops' }).join('\n'),
    ).toMatchSnapshot();
  });

  it('draws a daemon that has seen nothing yet', () => {
    expect(renderFrame(STARTING, { width: 80, rows: 40, colors: plain }).join('\n')).toMatchSnapshot();
  });

  it('says up to which version a start restores', () => {
    const title = (status: typeof RUNNING) => renderFrame(status, { width: 80, rows: 40, colors: plain })[0];
    expect(title({ ...STARTING, version: 25, restoring: 27 })).toContain('version 25  ● restoring up to version 27');
    expect(title({ ...RUNNING, phase: 'stopping', restoring: 49 })).toContain('● stopping');
  });

  it('shows paths relative to the folder where it runs', () => {
    const status = { ...RUNNING, model: '/home/me/quorum/models/mini', run: '/var/runs/a' };
    const options = { width: 120, rows: 40, colors: plain };
    expect(renderFrame(status, { ...options, cwd: '/home/me/quorum' })[1]).toBe(
      ' models/mini · figures · seed 1 · /var/runs/a',
    );
    expect(renderFrame(status, { ...options, cwd: '/home/me/quo' })[1]).toContain('/home/me/quorum/models/mini');
  });

  it('counts the questions that the model wrote, in one line, where it writes any', () => {
    const lines = (status: typeof RUNNING) => renderFrame(status, { width: 120, rows: 60, colors: plain });
    const more = lines(SYNTHESIZING).filter((line) => !lines(RUNNING).includes(line));
    expect(more).toEqual([
      ' synthetic  412 written  301 accepted  120 in the pool  50 % wanted (rejected: duplicate 80, malformed 31)',
    ]);
  });

  it('counts the workers and names those that do not work, in one line, where workers can join', () => {
    const lines = (status: typeof RUNNING) => renderFrame(status, { width: 120, rows: 60, colors: plain });
    const more = (workers: typeof WORKERS) =>
      lines({ ...RUNNING, workers }).filter((line) => !lines(RUNNING).includes(line));
    expect(more(WORKERS)).toEqual([' workers    3 of 5 working, 1 parked: gpu-c, 1 left: gpu-b']);
    expect(more([])).toEqual([' workers    none has joined']);
  });

  it('says what the curriculum knows, in one line, where there is one', () => {
    const lines = (status: typeof RUNNING) => renderFrame(status, { width: 120, rows: 60, colors: plain });
    expect(lines(CHOOSING).filter((line) => !lines(RUNNING).includes(line))).toEqual([
      ' questions  3,638 fresh  127 split  148 known  119 lost  65 % expected to be learnt from  of 88 kinds',
    ]);
    const nothing = 'the one question is known';
    const one = { ...CHOOSING.curriculum!, clusters: 1, nothing };
    expect(lines({ ...CHOOSING, curriculum: one }).join('\n')).toMatch(
      new RegExp(`^ questions .* of 1 kind\n {12}${nothing}$`, 'm'),
    );
  });

  it('shows what is measured without labels, and what the guardian says, where accuracy would stand', () => {
    const figures = { n: 14, answered: 1, asTrusted: null, trusted: null, entropy: 0.2564, responseTokens: 8.4 };
    const base = { ...figures, version: 0, seconds: 20, asBase: 1, voteShare: 0.75 };
    const now = {
      ...figures,
      version: 45,
      seconds: 700,
      asBase: 0.714,
      voteShare: 0.82,
      asTrusted: 0.929,
      trusted: 25,
    };
    const accuracy = { ...STARTING.accuracy };
    const canaries = { asBase: 0.96, asTrusted: null, consistency: 0.8 };
    const guardian = { level: 'healthy', since: 0, why: '', trusted: 25, tries: 0, canaries } as const;
    const labelFree = { questions: 14, labelled: 0, baseline: base, now, history: [base, now], best: 45 };
    const lines = (status: typeof RUNNING) => renderFrame(status, { width: 120, rows: 60, colors: plain });
    expect(lines({ ...RUNNING, accuracy, guardian, labelFree }).slice(3, 6)).toEqual([
      ' no labels  71.4 % of the answers as the base  92.9 % as the trusted version 25  n 14, at version 45',
      ' held out   vote share 0.82 (0.75)  entropy 0.256 (0.256)  length 8.4 (8.4)  answered 100 %',
      ' guardian   healthy  trusts version 25  sure canaries 96.0 % as the base',
    ]);
    const before = { ...labelFree, baseline: null, now: null, history: [] };
    expect(lines({ ...RUNNING, accuracy, labelFree: before })[3]).toContain('no labels: accuracy cannot be measured');
    expect(lines({ ...RUNNING, accuracy, labelFree: { ...before, questions: 0 } })[3]).toContain(
      'cannot be measured: no question is held out',
    );
    expect(lines({ ...RUNNING, labelFree: { ...labelFree, labelled: 5 } })[3]).toMatch(
      /^ accuracy {3}79.3 % .* greedy, n 200 with a label$/,
    );
  });

  it('shows accuracy by level: a row over versions for each where there is room, the hardest first, otherwise one line', () => {
    const levels = [0, 5, 10, 15].map((version, i) => ({ version, levels: { 1: 1, 2: 0.25 * (i + 1), 10: 0.04 * i } }));
    const status = { ...withoutNotes(RUNNING), accuracy: { ...RUNNING.accuracy, levels } };
    const rowsIn = (rows: number) =>
      renderFrame(status, { width: 60, rows, colors: plain }).filter((line) => line.startsWith(' level'));
    expect(rowsIn(40)).toEqual([
      ` level 10   ${' '.repeat(16)}    0 % →  12 %`,
      ' level 2    ░░░░▒▒▒▒▓▓▓▓████   25 % → 100 %',
      ' level 1    ████████████████  100 % → 100 %',
    ]);
    const without = renderFrame(
      { ...withoutNotes(RUNNING), accuracy: { ...RUNNING.accuracy, history: [] } },
      { width: 60, rows: 40, colors: plain },
    );
    expect(rowsIn(without.length + 1)).toEqual([' levels     1 ██▁ 10  at version 0 █▂▁']);
    expect(rowsIn(without.length)).toEqual([]);
  });

  it('lists the checks between sampler and voter, with the votes that each took', () => {
    const check = { ...RUNNING.actors[2]!, role: 'checker' };
    const actors = [...RUNNING.actors, { ...check, id: 'checker-equations' }, { ...check, id: 'checker-whole' }];
    const checks = { equations: { held: 70, denied: 30, abstained: 0, lost: 1_234 } };
    const frame = renderFrame(
      { ...RUNNING, actors, groups: { ...RUNNING.groups, checks } },
      { width: 80, rows: 60, colors: plain },
    );
    const lines = frame.filter((line) => /sampler-1|checker|voter/.test(line)).map((line) => line.slice(3).trimEnd());
    expect(lines.map((line) => line.replace(/ +\d+:\d+$/, ''))).toEqual([
      'sampler-1         sampling 32 questions with version 48  1× restarted',
      'checker-equations idle  votes lost 1,234',
      'checker-whole     idle  votes lost 0',
      'voter             idle',
    ]);
  });

  it('says where the dashboard is', () => {
    const served = { ...RUNNING, dashboard: 'http://127.0.0.1:4747/' };
    expect(renderFrame(served, { width: 80, rows: 40, colors: plain })[2]).toBe(' dashboard  http://127.0.0.1:4747/');
  });

  it('shows the same words with colour and without', () => {
    const options = { width: 80, rows: 40 };
    const styled = renderFrame(RUNNING, { ...options, colors: coloured });
    expect(styled.join('\n')).toMatch(ESCAPES);
    expect(styled.map((line) => line.replace(ESCAPES, ''))).toEqual(
      renderFrame(RUNNING, { ...options, colors: plain }),
    );
  });

  it('has no line wider than the terminal and nothing that moves the cursor, whatever the status', () => {
    fc.assert(
      fc.property(
        anyStatus,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        (status, width, rows) => {
          for (const line of renderFrame(status, { width, rows, colors: coloured, hint: 'Ctrl-C' })) {
            const text = line.replace(ESCAPES, '');
            expect(stringWidth(text)).toBeLessThanOrEqual(width);
            expect(text).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
    );
  });

  it('leaves out the chart and the notes before it grows taller than the terminal', () => {
    const tall = renderFrame(RUNNING, { width: 80, rows: 60, colors: plain });
    const needed = renderFrame(
      { ...RUNNING, notes: [], accuracy: { ...RUNNING.accuracy, history: [] } },
      { width: 80, rows: 60, colors: plain },
    ).length;
    expect(tall.length).toBeGreaterThan(needed);
    for (let rows = needed; rows <= tall.length + 2; rows++) {
      expect(renderFrame(RUNNING, { width: 80, rows, colors: plain }).length).toBeLessThanOrEqual(rows);
    }
  });
});
