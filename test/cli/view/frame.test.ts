import fc from 'fast-check';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { renderFrame } from '../../../src/cli/view/frame.ts';
import { anyStatus, RUNNING, STARTING, SYNTHESIZING } from './status.ts';

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
    expect(renderFrame(withoutNotes(RUNNING), { width, rows: 40, colors: plain, hint: 'Ctrl-C saves and stops' }).join('\n')).toMatchSnapshot();
  });

  it('draws a daemon that has seen nothing yet', () => {
    expect(renderFrame(STARTING, { width: 80, rows: 40, colors: plain }).join('\n')).toMatchSnapshot();
  });

  it('shows paths relative to the folder where it runs', () => {
    const status = { ...RUNNING, model: '/home/me/quorum/models/mini', run: '/var/runs/a' };
    const options = { width: 120, rows: 40, colors: plain };
    expect(renderFrame(status, { ...options, cwd: '/home/me/quorum' })[1]).toBe(' models/mini · figures · seed 1 · /var/runs/a');
    expect(renderFrame(status, { ...options, cwd: '/home/me/quo' })[1]).toContain('/home/me/quorum/models/mini');
  });

  it('counts the questions that the model wrote, in one line, where it writes any', () => {
    const lines = (status: typeof RUNNING) => renderFrame(status, { width: 120, rows: 60, colors: plain });
    const more = lines(SYNTHESIZING).filter((line) => !lines(RUNNING).includes(line));
    expect(more).toEqual([' synthetic  412 written  301 accepted  120 in the pool  50 % wanted (rejected: duplicate 80, malformed 31)']);
  });

  it('says where the dashboard is', () => {
    const served = { ...RUNNING, dashboard: 'http://127.0.0.1:4747/' };
    expect(renderFrame(served, { width: 80, rows: 40, colors: plain })[2]).toBe(' dashboard  http://127.0.0.1:4747/');
  });

  it('shows the same words with colour and without', () => {
    const options = { width: 80, rows: 40 };
    const styled = renderFrame(RUNNING, { ...options, colors: coloured });
    expect(styled.join('\n')).toMatch(ESCAPES);
    expect(styled.map((line) => line.replace(ESCAPES, ''))).toEqual(renderFrame(RUNNING, { ...options, colors: plain }));
  });

  it('has no line wider than the terminal and nothing that moves the cursor, whatever the status', () => {
    fc.assert(
      fc.property(anyStatus, fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 60 }), (status, width, rows) => {
        for (const line of renderFrame(status, { width, rows, colors: coloured, hint: 'Ctrl-C' })) {
          const text = line.replace(ESCAPES, '');
          expect(stringWidth(text)).toBeLessThanOrEqual(width);
          expect(text).not.toMatch(/\p{Cc}/u);
        }
      }),
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
