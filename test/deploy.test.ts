import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { configSchema } from '../src/config/schema.ts';
import { temporaryFolder } from './support/temporary.ts';

const unit = readFileSync('deploy/quorum.service', 'utf8');
const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)![1]!;

test.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)(
  'systemd has nothing to say against the unit',
  () => {
    const folder = temporaryFolder();
    const [file, installed] = [join(folder, 'quorum.service'), join(folder, 'quorum')];
    symlinkSync(resolve('.'), installed); // a path without blanks, wherever this is
    writeFileSync(file, unit.replaceAll('/opt/quorum', installed));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  },
);

test('the unit waits longer than the daemon by itself, and hears what systemd-notify says', () => {
  const { openSeconds, stopSeconds } = configSchema.parse({}).timeouts;
  const seconds = (name: string): number => 60 * Number(/^(\d+)min$/.exec(setting(name))![1]);
  expect(seconds('TimeoutStartSec')).toBeGreaterThan(openSeconds);
  expect(seconds('TimeoutStopSec')).toBeGreaterThan(stopSeconds);
  expect([setting('Type'), setting('NotifyAccess'), setting('KillMode')]).toEqual(['notify', 'all', 'mixed']);
});

/** Instructions, continuation lines joined, in stages. */
function stages(): { readonly instruction: string; readonly rest: string }[][] {
  const text = readFileSync('Dockerfile', 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const all: { readonly instruction: string; readonly rest: string }[][] = [];
  for (const line of lines) {
    const [, instruction, rest] = /^\s*([A-Z]+)\s+(.*)$/.exec(line)!;
    if (instruction === 'FROM') all.push([]);
    all.at(-1)!.push({ instruction: instruction!, rest: rest! });
  }
  return all;
}

test('the image copies what is there, runs without root, and starts and ends without a shell in between', () => {
  const last = stages().at(-1)!;
  const of = (instruction: string): string[] =>
    last.flatMap((each) => (each.instruction === instruction ? [each.rest] : []));
  const words = (text: string | undefined): unknown => JSON.parse(text!);
  expect([of('USER'), of('STOPSIGNAL'), of('VOLUME')]).toEqual([['node'], ['SIGTERM'], ['/runs']]);
  expect(of('EXPOSE')).toEqual([String(configSchema.parse({}).dashboard.port)]);
  expect(words(of('ENTRYPOINT')[0])).toEqual(['quorum']);
  expect(words(of('CMD')[0])).toContain('/runs/default');
  const probe = words(/CMD (.*)$/.exec(of('HEALTHCHECK')[0]!)![1]) as string[];
  expect(probe.slice(0, 2)).toEqual(['node', '-e']);
  expect(probe[2]).toContain(`http://127.0.0.1:${of('EXPOSE')[0]}/healthz`);

  const allowed = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  const copied = stages().flatMap((stage) =>
    stage.flatMap(({ instruction, rest }) => (instruction === 'COPY' && !rest.startsWith('--from') ? [rest] : [])),
  );
  const sources = copied.flatMap((rest) => rest.split(' ').slice(0, -1)).filter((source) => source !== '.');
  expect(sources.length).toBeGreaterThan(5);
  for (const source of new Set([...sources, ...allowed]))
    expect([source, existsSync(source), allowed.includes(source)]).toEqual([source, true, true]);
});

test('what the image builds from is let through to the build', () => {
  const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8')) as {
    readonly include: readonly string[];
  };
  const allowed = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .map((line) => line.slice(1));
  expect(include.map((path) => path.split('/')[0]!).filter((folder) => !allowed.includes(folder))).toEqual([]);
});
