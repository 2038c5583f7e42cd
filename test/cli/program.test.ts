import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { createProgram } from '../../src/cli/program.ts';
import { liveBounds } from '../../src/config/live.ts';

let folder: string;
let stdout: string;
let stderr: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorum-cli-'));
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
  vi.spyOn(console, 'log').mockImplementation((text: string) => void (stdout += `${text}\n`));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns the exit code */
async function quorum(...args: string[]): Promise<number | string | undefined> {
  process.exitCode = 0;
  await main(['node', 'quorum', ...args]);
  const code = process.exitCode;
  process.exitCode = 0;
  return code;
}

describe('quorum', () => {
  const names = createProgram().commands.map((command) => command.name());

  it('has its commands', () => {
    expect(names).toEqual([
      'start',
      'status',
      'pause',
      'resume',
      'evaluate',
      'checkpoint',
      'set',
      'rollback',
      'stop',
      'log',
      'history',
      'plugins',
      'plugin',
      'worker',
      'workers',
      'eval',
      'ask',
      'synthesize',
      'export',
      'figures',
      'experiment',
      'pretrain',
      'model',
      'doctor',
      'setup',
    ]);
  });

  it.each(names)('%s --help says what it does, with an example', async (name) => {
    expect(await quorum(name, '--help')).toBe(0);
    expect(stdout).toContain(`Usage: quorum ${name} [options]`);
    expect(stdout).toMatch(/Examples?:\n {2}quorum /);
  });

  it.each([
    [['figures'], /required option '-o, --out <folder>' not specified/],
    [['synthesize', '--out', 'x.csv'], /x\.csv: must end in \.parquet or \.jsonl/],
    [['synthesize', '--out', 'x.jsonl', '--mode', 'indirect'], /Allowed choices are direct, in-context, both/],
    [['start', '--steps', '0'], /'--steps <count>' argument '0' is invalid. Expected a whole number, 1 or more/],
    [['start', '--seed', '-1'], /whole number from 0 to 4294967295/],
    [
      ['ask', '-q', 'x', '--temperature', '-1'],
      /'-1' is invalid. Expected 0, which is greedy, or a number from 0.01 to 10/,
    ],
    [['strat'], /Did you mean start\?/],
    [['start', '--set', 'learner.rate=1'], /learner\.rate is not a known key; allowed in learner: .*learningRate/],
    [['start', '--config', '/nowhere.json'], /configuration file \/nowhere\.json does not exist/],
    [
      ['set', 'sampling.temperature'],
      /'sampling\.temperature' is invalid for argument 'path=value'. Expected path=value, such as/,
    ],
    [
      ['set', 'sampling.temperature=hot'],
      /sampling\.temperature cannot be hot: it must be a number at least 0\.01 and at most 10/,
    ],
    [['set', 'model=1'], /model cannot be changed while the loop runs; what can: sampling\.temperature,/],
    [['rollback', 'best'], /'best' is invalid for argument 'version'. Expected a whole number, 0 or more/],
    [['export', '--run', '/nowhere', '--out', '/tmp/x'], /\/nowhere is not a run folder/],
  ])('%j ends with 2 and one paragraph', async (args, message) => {
    expect(await quorum(...args)).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each([
    ['status'],
    ['pause'],
    ['resume'],
    ['evaluate', '--full'],
    ['checkpoint'],
    ['set', 'sampling.samples=5'],
    ['rollback', '3'],
    ['stop'],
  ])('%s ends with 3 where no daemon runs', async (...args) => {
    expect(await quorum(...args, '--run', folder)).toBe(3);
    expect(stderr).toContain(`no daemon runs on ${folder}`);
  });

  it('set --help has the bounds of each live setting', async () => {
    await quorum('set', '--help');
    for (const { path, min, max } of liveBounds())
      expect(stdout).toMatch(new RegExp(`${path} +a .*number .*${min} and at most ${max}`));
  });

  it('prints the stack of an error with --verbose', async () => {
    expect(await quorum('status', '--run', folder, '--verbose')).toBe(3);
    expect(stderr).toMatch(/\n\s+at askDaemon/);
  });

  it('export takes a version, which is not the version of the program', async () => {
    for (const name of ['best', 'checkpoints']) mkdirSync(join(folder, 'run', name), { recursive: true });
    expect(await quorum('export', '--run', join(folder, 'run'), '--version', '3', '--out', join(folder, 'x'))).toBe(2);
    expect(stderr).toContain('--version 3:');
    expect(await quorum('export', '--run', join(folder, 'run'), '--version', 'best', '--out', join(folder, 'x'))).toBe(
      2,
    );
    expect(stderr).toContain('has nothing to export');
    expect(stdout).toBe('');
  });

  it('figures writes the data set, the same one for the same seed', async () => {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    for (const out of [a, b]) expect(await quorum('figures', '--out', out, '-n', '4', '--seed', '3')).toBe(0);
    expect(stdout).toContain('4 questions about 4 pictures');
    const rows = readFileSync(join(a, 'data.jsonl'), 'utf8');
    expect(readFileSync(join(b, 'data.jsonl'), 'utf8')).toBe(rows);
    expect(JSON.parse(rows.split('\n')[0]!)).toMatchObject({
      problem: expect.any(String) as string,
      images: [expect.any(String)],
    });
  });

  it('ask --temperature 0 is greedy: the same answer each time, whatever the seed', async () => {
    const texts: string[] = [];
    for (const seed of ['1', '2']) {
      stdout = '';
      expect(
        await quorum('ask', '-q', 'how many discs ?', '-G', '3', '--temperature', '0', '--seed', seed, '--json'),
      ).toBe(0);
      texts.push(...(JSON.parse(stdout) as { samples: { text: string }[] }).samples.map(({ text }) => text));
    }
    expect([texts.length, new Set(texts).size]).toEqual([6, 1]);
  });

  it('pretrain does not overwrite a finished model', async () => {
    const out = join(folder, 'mini');
    mkdirSync(out);
    writeFileSync(join(out, 'model.safetensors'), 'weights');
    expect(await quorum('pretrain', '--out', out)).toBe(2);
    expect(stderr).toContain('is a folder that is not empty');
    expect(readFileSync(join(out, 'model.safetensors'), 'utf8')).toBe('weights');
  });
});
