/**
 * No command writes over what it did not make: gone through for every option of every command that names a file or
 * folder.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { startCommand } from '../../src/cli/commands/start.ts';
import { claimOutput } from '../../src/cli/output.ts';
import { createProgram } from '../../src/cli/program.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

/**
 * Options whose value names an input; `--run` refuses every folder that is not a run folder, and `--cache` a
 * folder that each start uses again.
 */
const INPUTS = ['--config', '--model', '--data', '--image', '--run', '--tokenizer', '--wheels', '--cache'];

/** What each command needs besides its output. */
const OUTPUTS: Readonly<Record<string, readonly string[]>> = {
  'start --report': [],
  'plugin new --dir': ['my-reward', '--port', 'reward'],
  'synthesize --out': [],
  'export --out': [],
  'figures --out': ['-n', '2'],
  'experiment methods --out': [],
  'experiment stream --out': [],
  'pretrain --out': [],
  'model random --out': ['--like', '0.1b'],
};

function commandsOf(
  command: Command,
  way: readonly string[] = [],
): { readonly way: readonly string[]; readonly command: Command }[] {
  return [{ way, command }, ...command.commands.flatMap((each) => commandsOf(each, [...way, each.name()]))];
}

const places = commandsOf(createProgram()).flatMap(({ way, command }) =>
  command.options
    .filter(({ flags, long }) => /[<[](file|folder|path)[\]>]/.test(flags) && !INPUTS.includes(long!))
    .map(({ long }) => ({ name: [...way, long].join(' '), way, option: long!, command })),
);

let stderr: string;

beforeEach(() => {
  stderr = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'error').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** @returns the exit code. */
async function quorum(...args: string[]): Promise<number | string> {
  process.exitCode = 0;
  const start = startCommand({ createPolicy: (_, { checkpoint }) => new ToyPolicy(checkpoint ? { checkpoint } : {}) });
  await main(['node', 'quorum', ...args], createProgram(start));
  const code = process.exitCode;
  process.exitCode = 0;
  return code;
}

describe('outputs of all commands', () => {
  it('are all known to this test', () => {
    expect(places.map(({ name }) => name).toSorted()).toEqual(Object.keys(OUTPUTS).toSorted());
  });

  it.each(places)(
    '$name leaves a file and a folder that are there alone, and takes --force',
    async ({ name, way, option, command }) => {
      const folder = temporaryFolder();
      const file = join(folder, 'mine.jsonl');
      writeFileSync(file, 'precious\n');
      for (const path of [file, folder]) {
        expect(await quorum(...way, ...OUTPUTS[name]!, option, path)).toBe(2);
        expect(stderr).toMatch(
          new RegExp(`${option} ${path} (exists already|is a folder that is not empty): .*--force`),
        );
      }
      expect([readdirSync(folder), readFileSync(file, 'utf8')]).toEqual([['mine.jsonl'], 'precious\n']);
      expect(command.options.map(({ long }) => long)).toContain('--force');
    },
  );
});

describe('inputs, also with --force', () => {
  it.each(['itself', 'a symbolic link', 'a hard link', 'a file of a folder', 'a file of a pattern'])(
    'synthesize: %s',
    async (kind) => {
      const folder = temporaryFolder();
      const [data, other] = [join(folder, 'mine.parquet'), join(folder, 'other.parquet')];
      writeFileSync(data, 'rows\n');
      if (kind === 'a symbolic link') symlinkSync(data, other);
      if (kind === 'a hard link') linkSync(data, other);
      const out = kind.endsWith('link') ? other : data;
      const input = kind.endsWith('folder') ? folder : kind.endsWith('pattern') ? join(folder, 'mi*.parquet') : data;
      expect(await quorum('synthesize', '--data', input, '--out', out, '--force')).toBe(2);
      expect(stderr).toContain(`--out ${out} is, or lies in, the input`);
      expect(readFileSync(data, 'utf8')).toBe('rows\n');
    },
  );

  it('start: its data, its configuration and files of its run; export: its run; experiment: its model', async () => {
    const { folder, config } = toyRun();
    const file = join(folder, 'quorum.config.json');
    writeFileSync(file, JSON.stringify({ data: config.data, runFolder: config.runFolder }));
    mkdirSync(config.runFolder);
    const database = join(config.runFolder, 'quorum.db');
    writeFileSync(database, 'SQLite');
    const isRefused = async (...args: string[]): Promise<void> => {
      expect(await quorum(...args, '--force')).toBe(2);
      expect(stderr).toContain(`${args.at(-1)} is, or lies in, the input`);
      stderr = '';
    };
    for (const out of ['trainFile' in config.data ? String(config.data.trainFile) : '', file, database])
      await isRefused('start', '--config', file, '--report', out);
    await isRefused('export', '--run', config.runFolder, '--out', config.runFolder);
    await isRefused('experiment', 'methods', '--model', config.runFolder, '--out', config.runFolder);
    expect(readFileSync(database, 'utf8')).toBe('SQLite');
  });
});

describe('what may be written over', () => {
  it('start replaces the report of the same run, no other one', async () => {
    const { folder, config } = toyRun();
    const report = join(folder, 'report.json');
    const start = (steps: number, run: string, ...more: string[]) => {
      const file = join(folder, `${run}.json`);
      const { plugins: _, model, ...settings } = config;
      writeFileSync(file, JSON.stringify({ ...settings, runFolder: join(folder, run) }));
      return quorum(
        'start',
        '--config',
        file,
        '--model',
        model,
        '--steps',
        `${steps}`,
        '--report',
        report,
        '--json',
        ...more,
      );
    };
    const steps = (): number => (JSON.parse(readFileSync(report, 'utf8')) as { steps: number }).steps;
    expect([await start(1, 'a'), steps()]).toEqual([0, 1]);
    expect([await start(2, 'a'), steps()]).toEqual([0, 2]);
    expect([await start(3, 'b'), steps()]).toEqual([2, 2]);
    expect(stderr).toContain(`--report ${report} exists already`);
    expect([await start(3, 'b', '--force'), steps()]).toEqual([0, 3]);
  }, 60_000);

  it('figures keeps a picture that is there: the same one always, one of other bytes unless --force is given', async () => {
    const folder = temporaryFolder();
    const figures = (name: string, seed: string, ...more: string[]) =>
      quorum('figures', '--out', join(folder, name), '-n', '2', '--seed', seed, ...more);
    expect(await figures('a.jsonl', '1')).toBe(0);
    const [picture] = readdirSync(join(folder, 'images'));
    const bytes = readFileSync(join(folder, 'images', picture!));
    expect(await figures('b.jsonl', '1')).toBe(0);
    writeFileSync(join(folder, 'images', picture!), 'mine');
    expect(await figures('c.jsonl', '1')).toBe(2);
    expect(stderr).toContain(`${picture} exists with another picture`);
    expect(readFileSync(join(folder, 'images', picture!), 'utf8')).toBe('mine');
    expect(await figures('a.jsonl', '1', '--force')).toBe(0);
    expect(readFileSync(join(folder, 'images', picture!))).toEqual(bytes);
  });

  it('a new path, an empty file or folder, a device, and what is the command’s own', async () => {
    const folder = temporaryFolder();
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    mkdirSync(join(folder, 'nothing'));
    for (const path of [join(folder, 'new'), empty, join(folder, 'nothing'), '/dev/null'])
      expect(await claimOutput({ option: '--out', path, inputs: [folder] })).toBe(path);
    expect(await claimOutput({ option: '--out', path: folder, isOurs: () => true })).toBe(folder);
  });
});
