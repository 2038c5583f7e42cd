/**
 * Plants an import of every room and every package in every room, and holds what the linter reports to lint/rooms.js.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOMS } from '../../lint/rooms.js';

const NAMES = Object.keys(ROOMS);
const PACKAGES = [...new Set([...NAMES.flatMap((room) => ROOMS[room]!.packages), 'left-pad'])];
const TFJS = '@tensorflow/tfjs-core';

/** Pairs that the documentation or the design names: they stay forbidden, whatever becomes of the table. */
const NEVER: readonly (readonly [string, string])[] = [
  ['actors', 'streams'],
  ['streams', 'actors'],
  ['src/compute/threads', 'actors'],
  ['src/compute/threads', 'streams'],
  ...['actors', 'streams', 'dashboards/server'].flatMap((plane) => [
    [plane, 'src/daemon'] as const,
    [plane, 'src/compute/threads'] as const,
  ]),
  ...NAMES.filter((room) => !room.startsWith('src/compute/')).flatMap((room) => [
    [room, TFJS] as const,
    [room, 'onnxruntime-node'] as const,
  ]),
  ...NAMES.filter((room) => room !== 'actors').map((room) => [room, 'xstate'] as const),
  ...NAMES.filter((room) => !['streams', 'src/daemon', 'dashboards/server'].includes(room)).map(
    (room) => [room, 'rxjs'] as const,
  ),
  ...NAMES.filter((room) => room !== 'src/cli').map((room) => [room, 'src/cli'] as const),
  ...NAMES.filter((room) => room !== 'src/protocol').map((room) => ['src/protocol', room] as const),
  ...['src/store', 'src/config', 'src/policy/local', 'src/learn'].map((room) => ['src/compute/threads', room] as const),
  ...['src/data', 'src/store', 'src/config', 'src/policy'].map((room) => ['src/learn', room] as const),
  ...NAMES.map((room) => ['src/plugins', room] as const),
  ['dashboards/client', 'node:'],
];

const COMPUTE = ['threads', 'objectives', 'training', 'rollout', 'programs', 'models', 'engine', 'compile'].map(
  (name) => `src/compute/${name}`,
);

/** The file that stands for a room. */
const fileIn = (room: string): string =>
  existsSync(room) && statSync(room).isDirectory() ? `${room}/planted.ts` : `${room}.ts`;

const pathTo = (from: string, to: string): string => {
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
};

let folder: string;
let diagnostics: readonly Diagnostic[];
/** The labels of what the rule over the table reports. */
let reported: ReadonlySet<string>;
const planted = new Map<string, string>();

/** An import a line, so that a report's line tells which one it is about. */
function plant(file: string, lines: readonly (readonly [label: string, line: string])[]): void {
  mkdirSync(join(folder, dirname(file)), { recursive: true });
  writeFileSync(join(folder, file), lines.map(([, line]) => line).join('\n'));
  for (const [i, [label]] of lines.entries()) planted.set(`${file}:${i + 1}`, label);
}

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** What the linter reports, in one run over all that is planted. */
function lint(): readonly Diagnostic[] {
  const bin = (name: string): string => resolve('node_modules', name);
  const command = [
    bin('oxlint/bin/oxlint'),
    '-c',
    resolve('.oxlintrc.json'),
    '--type-aware',
    '--format=json',
    '--quiet',
    '.',
  ];
  const env = { ...process.env, OXLINT_TSGOLINT_PATH: bin('.bin/tsgolint') };
  let output: string;
  try {
    output = execFileSync(process.execPath, command, {
      cwd: folder,
      env,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    output = (error as { stdout: string }).stdout; // exits with 1, as it reports something
  }
  return (JSON.parse(output) as { diagnostics: readonly Diagnostic[] }).diagnostics;
}

const labelOf = ({ filename, labels }: Diagnostic): string =>
  planted.get(`${filename}:${labels[0]!.span.line}`) ?? filename;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorum-fences-'));
  for (const room of NAMES) {
    const file = fileIn(room);
    const others = NAMES.filter((other) => other !== room).map(
      (other) => [other, pathTo(file, fileIn(other))] as const,
    );
    const all = [...others, ...PACKAGES.map((name) => [name, name === 'node:' ? 'node:fs' : name] as const)];
    plant(
      file,
      all.map(([other, specifier]) => [`${room} -> ${other}`, `export * from '${specifier}';`]),
    );
  }
  plant('src/learn/forms/deep.ts', [
    ['import', "import { a } from '../../store/a.ts';"],
    ['import type', "import type { b } from '../../store/a.ts';"],
    ['import for its effects', "import '../../store/a.ts';"],
    ['export', "export { c } from '../../store/a.ts';"],
    ['export type', "export type { d } from '../../store/a.ts';"],
    ['import()', "export const e = import('../../store/a.ts');"],
    ['type of import()', "export type F = import('../../store/a.ts').F;"],
    ['folder of a package', "export * from 'rxjs/operators';"],
    ['outside the rooms', "export * from '../../../test/support/rig.ts';"],
    ['allowed', "export * from '../../lib/a.ts';"],
    ['own room', "export * from '../vote.ts';"],
  ]);
  plant('dashboards/client/pages/now.ts', [
    ['client: frames', "export * from '../../../src/protocol/frames.ts';"],
    ['client: messages', "export * from '../../../src/protocol/messages.ts';"],
  ]);
  plant('src/no-such-room/a.ts', [['no room', 'export const a = 1;']]);
  plant('test/anywhere.ts', [['test', "export * from '../src/store/a.ts';"]]);
  plant('src/lib/circle.ts', [['a circle', "export * from './circle-2.ts';"]]);
  plant('src/lib/circle-2.ts', [['a circle', "export * from './circle.ts';"]]);
  plant('src/lib/promise.ts', [
    ['', 'export async function later(): Promise<void> {}'],
    ['a floating promise', 'export const forget = (): void => { later(); };'],
  ]);
  plant('src/lib/switch.ts', [
    ['', "export function first(value: 'a' | 'b'): number {"],
    ['a switch that misses a case', "  switch (value) { case 'a': return 1; }"],
    ['', '  return 0;\n}'],
  ]);
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    types: [],
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['src/lib/promise.ts', 'src/lib/switch.ts'] }),
  );
  diagnostics = lint();
  reported = new Set(diagnostics.filter(({ code }) => code === 'house(fences)').map(labelOf));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the fences between rooms', () => {
  it('go one way: a row names rooms above it, so there is no circle', () => {
    for (const [at, room] of NAMES.entries()) {
      const rooms = ROOMS[room]!.imports.map((path) =>
        NAMES.findLast((other) => path === other || path.startsWith(`${other}/`))!,
      );
      expect(rooms.filter((other) => NAMES.indexOf(other) >= at)).toEqual([]);
    }
    for (const [at, room] of COMPUTE.entries()) {
      expect(ROOMS[room]!.imports.filter((other) => COMPUTE.includes(other) && COMPUTE.indexOf(other) <= at)).toEqual(
        [],
      );
    }
  });

  it('report each import of a room or a package that the table does not allow, and no other', () => {
    const forbidden = NAMES.flatMap((room) => {
      const { imports, packages } = ROOMS[room]!;
      const others = [
        ...NAMES.filter((other) => other !== room && !imports.includes(other)),
        ...PACKAGES.filter((name) => !packages.includes(name)),
      ];
      return others.map((other) => `${room} -> ${other}`);
    });
    expect([...reported].filter((label) => label.includes(' -> ')).toSorted()).toEqual(forbidden.toSorted());
  });

  it('report what the documentation says is forbidden', () => {
    expect(NEVER.filter(([room, other]) => room !== other && !reported.has(`${room} -> ${other}`))).toEqual([]);
  });

  it('report every form of import, and a file in no room', () => {
    const forms = [
      'import',
      'import type',
      'import for its effects',
      'export',
      'export type',
      'import()',
      'type of import()',
    ];
    const others = ['folder of a package', 'outside the rooms', 'client: messages', 'no room'];
    expect([...reported].filter((label) => !label.includes(' -> ')).toSorted()).toEqual(
      [...forms, ...others].toSorted(),
    );
  });

  it('are linted for floating promises, circles and missed cases, as docs/development.md says', () => {
    const found = new Set(diagnostics.map((each) => `${each.code}: ${labelOf(each)}`));
    expect(found).toContain('import(no-cycle): a circle');
    expect(found).toContain('typescript(no-floating-promises): a floating promise');
    expect(found).toContain('typescript(switch-exhaustiveness-check): a switch that misses a case');
  });

  it('keep TensorFlow.js and ONNX Runtime out of the main thread: outside src/compute no module loads them with the modules that it imports', () => {
    const files = ['src', 'actors', 'streams', 'dashboards/server'].flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name)),
    );
    const outside = files.filter((file) => file.endsWith('.ts') && !/^src.(compute|pretrain)/.test(file));
    expect(outside.length).toBeGreaterThan(300);
    expect(
      outside.filter((file) => loads(file, /^(@tensorflow|onnxruntime)/)).filter((file) => !OWN_PROCESS.includes(file)),
    ).toEqual([]);
  });
});

/** Loaded with `import()` by a command that ends when its work is done. */
const OWN_PROCESS = [join('src', 'cli', 'export-checkpoint.ts')];

const IMPORT = /^(?:import|export) (?!type )(?:[^;'"]*? from )?'([^']+)'/gm;
const importsOf = new Map<string, readonly string[]>();

/**
 * Whether `file` or a module that it imports, not counting types and `import()`, imports a package that `name` matches.
 */
function loads(file: string, name: RegExp, seen = new Set<string>()): boolean {
  if (seen.has(file) || !existsSync(file)) return false; // a template of a plug-in has imports of its own
  seen.add(file);
  const specifiers =
    importsOf.get(file) ?? [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, specifier]) => specifier!);
  importsOf.set(file, specifiers);
  return specifiers.some((each) =>
    each.startsWith('.') ? each.endsWith('.ts') && loads(join(dirname(file), each), name, seen) : name.test(each),
  );
}
