/** Common mistakes in a configuration, over every key and every kind of file. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { describeConfig } from '../../src/config/describe.ts';
import { loadConfig } from '../../src/config/load.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { temporaryFolder } from '../support/temporary.ts';

async function setRefusal(...set: string[]): Promise<string> {
  const error: unknown = await loadConfig({ cwd: temporaryFolder(), set }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

describe('a file with a mistake: one sentence with the file, the fault and the fix', () => {
  const write = 'write `export default defineConfig({ ... })`';
  const json = 'JSON takes no comments and no comma at the end of a list: remove them, or make it a .yaml file';
  const shared = 'move what is shared into a file that imports neither';
  test.each([
    ['ts', '', `it exports nothing: ${write}`],
    ['ts', 'const seed = 1;', `it exports nothing: ${write}`],
    ['ts', 'export default undefined;', `its default export is undefined: ${write}`],
    ['ts', 'export default null;', `its default export is null: ${write}`],
    ['ts', 'export default "x";', `its default export is "x": ${write}`],
    [
      'ts',
      'export default () => ({ seed: 1 });',
      `its default export is a function: export what it returns, or ${write}`,
    ],
    ['ts', 'export default Promise.reject(new Error("not today"));', 'not today'],
    ['ts', 'throw null; export default {};', 'it throws null'],
    ['ts', 'export default { get seed() { throw new Error("no seed"); } };', 'no seed'],
    ['ts', 'export default { seed: , };', 'ParseError: Unexpected token (line 1, column 23)'],
    ['ts', 'export { default } from "./broken";', 'ParseError: Unexpected token (broken.ts, line 1, column 23)'],
    ['ts', 'import x from "./nope.ts"; export default x;', "Cannot find module './nope.ts'"],
    ['ts', 'export { default } from "./quorum.config.ts";', `circular import: it imports itself; ${shared}`],
    [
      'ts',
      'import x from "./other";\nexport default { seed: x.seed };',
      `circular import: it and other.ts import each other; ${shared}`,
    ],
    [
      'mjs',
      'import x from "./far.mjs"; export default x;',
      `circular import: it imports itself by way of far.mjs, farther.mjs; ${shared}`,
    ],
    [
      'ts',
      'const c: any = { learner: {} }; c.learner.schedule = c; export default c;',
      'it is circular: learner.schedule is the whole configuration again; give learner.schedule a value of its own',
    ],
    [
      'yaml',
      'learner: &a {schedule: *a}',
      'it is circular: learner.schedule is learner again; give learner.schedule a value of its own',
    ],
    ['yaml', 'seed: 1\nseed: 2', 'a key is given twice at line 2, column 1'],
    ['yaml', 'seed: 1\n---\nseed: 2', 'it holds several documents: keep one, without `---` between'],
    ['yaml', 'log:\n\tlevel: info', 'Tabs are not allowed as indentation at line 2, column 1'],
    ['json', '', 'it is empty: write {} for the defaults'],
    ['json', '{"seed": 1, "seed": 2}', 'a key is given twice at line 1, column 13: keep one of them'],
    ['json', '{ // mine\n"seed": 1}', expect.stringContaining(json)],
    [
      'json',
      '{"seed": 1,\n}',
      expect.stringMatching(/line 2,? column 1.*trailing|line 2,? column 1.*JSON takes no comments/),
    ],
  ])('%s: %s', async (extension, text, fault) => {
    const cwd = temporaryFolder();
    const file = join(cwd, `quorum.config.${extension}`);
    writeFileSync(file, text);
    writeFileSync(join(cwd, 'other.ts'), 'import x from "./quorum.config.ts";\nexport default { seed: x.seed };');
    writeFileSync(join(cwd, 'broken.ts'), 'export default { seed: , };');
    writeFileSync(join(cwd, 'far.mjs'), 'export { default } from "./farther.mjs";');
    writeFileSync(join(cwd, 'farther.mjs'), 'export * from "./quorum.config.mjs";');
    for (const set of [[], ['log.level=warn']]) {
      const error = await loadConfig({ cwd, set }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      const { message } = error as Error;
      expect([message.startsWith(`${file} cannot be read: `), message.includes('\n')]).toEqual([true, false]);
      expect(message.slice(`${file} cannot be read: `.length)).toEqual(fault);
    }
  });

  test('a configuration that never settles times out', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const cwd = temporaryFolder();
      writeFileSync(join(cwd, 'quorum.config.ts'), 'await new Promise(() => {}); export default {};');
      const settled = loadConfig({ cwd }).catch((reason: unknown) => reason);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await settled).toEqual(
        new InputError(
          `${cwd}/quorum.config.ts cannot be read: evaluating its module (a top-level await may never settle): not done after 20 s`,
        ),
      );
    } finally {
      vi.useRealTimers();
    }
  });

  test('a name that is no file: a folder, a link to nothing, a file without an extension, or not UTF-8', async () => {
    const cwd = temporaryFolder();
    const file = join(cwd, 'quorum.config.yaml');
    const refusedAs = (fault: string) =>
      expect(loadConfig({ cwd })).rejects.toThrow(
        `the configuration file ${file} ${fault}: put a file in its place, or name another with --config`,
      );
    mkdirSync(file);
    await refusedAs('is a folder');
    rmSync(file, { recursive: true });
    symlinkSync('nowhere', file);
    await refusedAs('is a link to nowhere, which is not there');
    rmSync(file);
    writeFileSync(join(cwd, 'plain'), '');
    await expect(loadConfig({ cwd, file: 'plain' })).rejects.toThrow('ends in nothing; allowed: .ts,');
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x41, 0]));
    await expect(loadConfig({ cwd })).rejects.toThrow('it is not UTF-8 text: save it as UTF-8');
  });
});

describe('--set with a value of a wrong kind', () => {
  const variants: Record<string, string[]> = {
    'data.type is files, jsonl or parquet': ['data.type=files', 'data.trainFile=x'],
    'learner.schedule.type is linear': ['learner.schedule.type=linear', 'learner.schedule.totalSteps=1'],
    'learner.schedule.type is cosine': ['learner.schedule.totalSteps=1'],
    'learner.objective.type is module': ['learner.objective.type=module', 'learner.objective.path=x'],
    // Any other variant has no key but its type.
    '': [],
  };
  // As they are shown in the message.
  const wrong = {
    '': 'empty',
    null: 'null',
    text: '"text"',
    '[]': '[]',
    '{}': '{}',
    '.nan': 'NaN',
    '.inf': 'Infinity',
    '-.inf': '-Infinity',
    '-1': '-1',
    '1e400': 'Infinity',
    '[{}]': '[{}]',
  };
  const mayBe: Record<string, (value: string) => boolean> = {
    text: (value) => value !== '' && value !== 'null',
    list: (value) => value === '[]',
    null: (value) => value === 'null',
    object: (value) => value === '{}',
  };

  test.each(describeConfig().map((key) => [key.path, key.when ?? '', key.type] as const))(
    '%s %s',
    async (path, when, type) => {
      const first = /^(text|list|object)\b/.exec(type)?.[1] ?? '';
      for (const [given, shown] of Object.entries(wrong)) {
        if (first === 'text' && type !== 'text' && given !== '') continue; // texts of a kind
        const set = [...(variants[when] ?? [when.replace(' is ', '=')]), `${path}=${given}`];
        const error = await loadConfig({ cwd: '/', set }).catch((reason: unknown) => reason);
        const isFine = mayBe[first]?.(given) === true || (type.includes('or null') && given === 'null');
        if (isFine && !(error instanceof Error)) continue;
        expect([set, error]).toEqual([set, expect.any(InputError)]);
        const { message } = error as Error;
        expect(message).toMatch(/^--set: /);
        expect([message.slice('--set: '.length).startsWith(path), message.split('\n').length]).toEqual([true, 1]);
        expect(message).toMatch(/; allowed: \S/);
        expect([set, message]).toEqual([
          set,
          expect.stringContaining(` is ${message.includes(`${path}.0 is`) ? '{}' : shown}; `),
        ]);
      }
    },
  );

  test.each([
    ['nosuch.key=1', 'nosuch.key is not a known key; allowed: model, runFolder,'],
    ['model.x=1', 'model.x is not a known key; model itself is text'],
    [
      'learner.betas.0=1',
      'learner.betas.0 is not a known key; learner.betas itself is list of 2 (number >= 0 and < 1)',
    ],
    [
      'LEARNER.learningRate=1',
      'LEARNER.learningRate is not a known key; did you mean learner.learningRate? allowed: model,',
    ],
    [
      'evalation.everySteps=1',
      'did you mean evaluation.everySteps or guardian.everySteps or checkpoints.everySteps? allowed: model,',
    ],
    [
      'data.columns=3',
      'data.columns is not a known key; it is for when data.type is files, jsonl or parquet; allowed in data of type ladder: type,',
    ],
    ['dashboard={viewToken: secret', 'dashboard: the value (not shown) cannot be read: '],
  ])('%s', async (set, message) => {
    const refused = await setRefusal(set);
    expect(refused).toContain(message);
    expect(refused).not.toContain('secret');
  });

  test.each([
    ['learner.betas=[1, 1]', 'learner.betas.0 is 1'],
    ['learner.betas=[0.9, 1]', 'learner.betas.1 is 1'],
    ['learner.klCoefficient=1e30', 'learner.klCoefficient is 1e+30'],
    ['learner.dualClip=1e39', 'learner.dualClip is 1e+39'],
    ['learner.gradientClipNorm=1e-50', 'learner.gradientClipNorm is 1e-50'],
    ['sampling.temperature=1e-40', 'sampling.temperature is 1e-40'],
    ['supervision.backoffMilliseconds=1e12', 'supervision.backoffMilliseconds is 1000000000000'],
    ['data.trainQuestions=1e15', 'data.trainQuestions is 1000000000000000'],
    ['data.heldOutQuestions=1e15', 'data.heldOutQuestions is 1000000000000000'],
    ['log.maxFiles=1e15', 'log.maxFiles is 1000000000000000'],
  ])('a number that a part of the loop cannot bear: %s', async (set, is) => {
    expect(await setRefusal(set)).toContain(`--set: ${is}; allowed: `);
  });
});
