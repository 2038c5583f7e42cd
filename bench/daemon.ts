/**
 * Whole daemons, as a user starts them: steps a minute at staleness 2 against 0 on the same two threads, and memory.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Report } from '../src/protocol/status.ts';
import type { Row } from './measure.ts';

const LIMIT_MILLISECONDS = 60 * 60 * 1000;

export async function benchDaemon(root: string, model: string, steps: number): Promise<Row[]> {
  const sync = await runDaemon(root, model, steps, 0);
  const async = await runDaemon(root, model, steps, 2);
  const rate = ({ throughput }: Report): number => throughput.stepsPerMinute ?? Number.NaN;
  return [
    { name: 'loop, one after the other (staleness 0)', value: rate(sync), unit: 'steps/min', note: `${steps} steps` },
    {
      name: 'loop, both at once (staleness <= 2)',
      value: rate(async),
      unit: 'steps/min',
      note: `overlap ${((async.throughput.overlap ?? 0) * 100).toFixed(0)} %`,
    },
    { name: 'both at once over one after the other', value: rate(async) / rate(sync), unit: 'x', target: 1.6 },
    { name: 'peak memory of the daemon', value: async.memory.peakRssBytes / 1e9, unit: 'GB', target: 1.5 },
  ];
}

async function runDaemon(root: string, model: string, steps: number, staleness: number): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'quorum-bench-'));
  const report = join(folder, 'report.json');
  const settings = [
    `loop.maxStaleness=${staleness}`,
    'dashboard.port=null',
    `evaluation.everySteps=${steps + 1}`,
    'evaluation.fullQuestions=10',
    'evaluation.questions=10',
  ];
  const options = [
    '--model',
    model,
    '--run',
    join(folder, 'run'),
    '--steps',
    String(steps),
    '--report',
    report,
    ...settings.flatMap((set) => ['--set', set]),
  ];
  try {
    await promisify(execFile)(process.execPath, [join(root, 'bin/quorum.js'), 'start', ...options], {
      timeout: LIMIT_MILLISECONDS,
      maxBuffer: 2 ** 26,
    });
    return JSON.parse(await readFile(report, 'utf8')) as Report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
