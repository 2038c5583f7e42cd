import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StageResult } from '../../src/experiment/run-stages.ts';
import { streamTable } from '../../src/experiment/stream-statistics.ts';
import { streamHtml, streamMarkdown } from '../../src/experiment/stream-text.ts';
import { runStream, type StreamProgress } from '../../src/experiment/stream.ts';
import { temporaryFolder, writeTinyFolder } from '../support/tiny-folder.ts';

const run = (
  stages: readonly string[],
  seed: number,
  starts: readonly number[],
  rows: readonly (readonly number[])[],
) =>
  ({
    stages,
    seed,
    starts,
    points: rows.map((row, i) => ({
      version: 5 * i,
      stages: Object.fromEntries(stages.map((stage, at) => [stage, row[at]!])),
    })),
    steps: 5 * (rows.length - 1),
    seconds: 1,
  }) satisfies StageResult;

describe('the table of a stream', () => {
  const stream = run(
    ['a', 'b'],
    0,
    [0, 10],
    [
      [0.2, 0.1], // version 0
      [0.5, 0.1],
      [0.8, 0.2], // 10: b begins
      [0.7, 0.4],
      [0.6, 0.9], // 20
    ],
  );
  const fresh = run(['b'], 0, [0], [[0.1], [0.2], [0.7]]);

  it('reads each stage before, while it is learnt, after, and at the end', () => {
    const { rows, seeds } = streamTable([stream, fresh]);
    expect(seeds).toBe(1);
    const means = rows.map(({ before, during, after, end, forgotten }) =>
      [before, during, after, end, forgotten].map((each) => Number(each.mean.toFixed(6))),
    );
    expect(means).toEqual([
      [0.2, 0.65, 0.8, 0.6, 0.2],
      [0.2, 0.65, 0.9, 0.9, 0],
    ]);
    expect(rows[0]!.fresh).toBeNull();
    expect(rows[1]!.fresh!.during.mean).toBeCloseTo(0.45, 12);
    expect(rows[1]!.fresh!.after.mean).toBe(0.7);
  });

  it('averages over seeds', () => {
    const worse = {
      ...stream,
      seed: 1,
      points: stream.points.map(({ version }) => ({ version, stages: { a: 0, b: 0 } })),
    };
    const [a] = streamTable([stream, worse]).rows;
    expect(a!.end).toEqual({ mean: 0.3, deviation: expect.closeTo(Math.SQRT1_2 * 0.6, 12) as number });
  });

  it('reads a stage that is shorter than the time between two evaluations at the next one', () => {
    const short = { ...stream, starts: [0, 1] };
    const [a, b] = streamTable([short]).rows;
    expect([a!.after.mean, b!.before.mean, b!.during.mean]).toEqual([0.5, 0.1, expect.closeTo(0.4, 12)]);
  });

  it('is written as Markdown, and as a page with a curve for each stage and each fresh run', () => {
    const about = { data: 'ladder', questions: 320, heldOut: 60 } as const;
    const table = streamTable([stream, fresh]);
    expect(streamMarkdown(table, about)).toContain('| b | 20.0 | 65.0 | 45.0 | 90.0 | 70.0 | 90.0 | 0.0 |');
    const page = streamHtml(table, [stream, fresh], about);
    expect(page.match(/<polyline/g)).toHaveLength(3);
    expect(page.match(/stroke-dasharray="5 4"/g)).toHaveLength(1);
    expect(page).not.toMatch(/https?:|<script/);
  });
});

it('a stream is run, compared with fresh runs, kept, and not run again', async () => {
  await using folder = await temporaryFolder();
  const model = join(folder.path, 'model');
  await writeTinyFolder(model, 3);
  const out = join(folder.path, 'out');
  const options = {
    model,
    folder: out,
    data: 'ladder',
    stages: ['digits', 'hours'],
    seeds: [0],
    stageSteps: 1,
    heldOut: 12,
    config: { sampling: { maxNewTokens: 3, samples: 2 } },
    signal: new AbortController().signal,
  } as const;
  const seen: StreamProgress[] = [];
  const report = await runStream(options, (progress) => seen.push(progress));
  expect(seen.flatMap((each) => (each.type === 'run' ? [each.name] : []))).toEqual([
    'digits, hours, seed 0',
    'digits alone, seed 0',
    'hours alone, seed 0',
  ]);
  expect(report.left).toBe(0);
  expect(report.rows.map(({ stage }) => stage)).toEqual(['digits', 'hours']);
  const [stream] = report.runs;
  expect(stream!.starts).toHaveLength(2);
  expect(stream!.points[0]).toMatchObject({
    version: 0,
    stages: { digits: expect.any(Number), hours: expect.any(Number) },
  });
  expect(JSON.parse(readFileSync(join(out, 'stream.json'), 'utf8'))).toEqual(report);
  expect(readdirSync(join(out, 'runs'))).toEqual([]);
  const again: StreamProgress[] = [];
  expect(await runStream(options, (progress) => again.push(progress))).toEqual(report);
  expect(again[0]).toEqual({ type: 'estimate', estimate: { runs: 3, done: 3, seconds: 0 } });
}, 300_000);
