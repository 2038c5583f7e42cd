/** Every block of docs/plugins.md that names its file is compiled, loaded, and does what the page says. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { recorded, testPlugin, type TestOptions } from 'quorum/testing';
import { declarationsOf, pluginReferencePage } from '../docs/make-plugin-reference.ts';
import { importDefault } from '../src/lib/import-default.ts';
import { configSchema } from '../src/config/schema.ts';
import { loadPlugins } from '../src/plugin/load.ts';
import { moduleToRun } from './support/script.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/plugins.md'), 'utf8');
const blocks = [...PAGE.matchAll(/^```ts\n(?:\/\/ (\S+)\n)?([\s\S]*?)^```$/gm)].map(([, name, text]) => ({
  name,
  text: text!,
}));
const named = (suffix: string): string[] => blocks.flatMap(({ name }) => (name?.endsWith(suffix) ? [name] : []));
const configs = named('config.ts');
const tests = named('.test.ts');
const plugins = named('.ts').filter((name) => !configs.includes(name) && !tests.includes(name));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorum-docs-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const { name, text } of blocks) writeFileSync(join(folder, name!), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each block names its file, and no two the same', () => {
  expect(blocks.map(({ name }) => name)).not.toContain(undefined);
  expect(new Set(blocks.map(({ name }) => name)).size).toBe(blocks.length);
  expect(plugins).toEqual(
    expect.arrayContaining(['brief.ts', 'sums.ts', 'remote.ts', 'elsewhere.ts', 'calm.ts', 'relative.ts', 'truth.ts']),
  );
});

test('the first reward is of ten lines', () => {
  const { text } = blocks.find(({ name }) => name === 'brief.ts')!;
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(10);
});

/** Of a source file: a user's compiler reads the declarations that the build made, not the sources. */
const declarationsAt = (file: string): string =>
  fileURLToPath(moduleToRun(pathToFileURL(join(ROOT, file)))).replace(/\.js$/, '.d.ts');

test('all of them compile', () => {
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, string[]> };
  };
  const paths = Object.fromEntries(
    Object.entries(compilerOptions.paths).map(([name, [file]]) => [name, [declarationsAt(file!)]]),
  );
  const options = { ...compilerOptions, paths, noEmit: true, lib: ['es2023', 'esnext.disposable'], rootDir: '/' };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: blocks.map(({ name }) => name) }),
  );
  const compile = () =>
    spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' })
      .stdout;
  expect(compile()).toBe('');
  writeFileSync(
    join(folder, 'brief.ts'),
    blocks.find(({ name }) => name === 'brief.ts')!.text.replace('vote + 1', "'much'"),
  );
  expect(compile()).toContain('brief.ts');
  writeFileSync(join(folder, 'brief.ts'), blocks.find(({ name }) => name === 'brief.ts')!.text);
}, 120_000);

test.each(tests)('%s passes', (name) => {
  const config = `import own from ${JSON.stringify(join(ROOT, 'vitest.config.ts'))};\nexport default { resolve: own.resolve };\n`;
  writeFileSync(join(folder, 'vitest.config.ts'), config);
  const vitest = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, name];
  expect(execFileSync(process.execPath, vitest, { encoding: 'utf8', cwd: folder })).toMatch(/Tests.*2 passed/);
});

test.each(configs)('%s is a configuration of which the plug-ins load', async (name) => {
  const config = configSchema.parse(await importDefault(`./${name}`, join(folder, 'quorum.config.ts')));
  const loaded = await loadPlugins(config.plugins, folder);
  expect(loaded).toHaveLength(config.plugins.length);
  expect(loaded.length).toBeGreaterThan(0);
});

describe('what they do', () => {
  const kitOf = async (name: string, options: TestOptions = {}) => {
    const kit = await testPlugin(join(folder, name), options);
    onTestFinished(() => kit[Symbol.asyncDispose]());
    return kit;
  };

  test('budget.ts drops groups that are long throughout', async () => {
    const kit = await kitOf('budget.ts', { options: { tokens: 1 } });
    for (const { reply } of await kit.play('filter')) expect(reply).toBe('all over 1 tokens');
    const other = await kitOf('budget.ts');
    expect((await other.play('filter')).map(({ reply }) => reply)).toContain(undefined);
  });

  test('twice.ts asks again, and takes the votes of answers that do not come up again', async () => {
    const kit = await kitOf('twice.ts');
    const { group } = recorded.requests.check[0]!;
    const request = { group, answers: group.samples.map((_, i) => String(i)), classes: group.samples.map((_, i) => i) };
    expect(await kit.ports.check(request)).toMatchObject({
      questions: [{ pictures: group.question.pictures }],
      samples: 3,
    });
    const says = (text: string) => ({ ...group.samples[0]!, text });
    const found = await kit.ports.check({ ...request, further: [[says('\\boxed{1}'), says('none')]] });
    expect(found).toEqual(
      group.samples.map((_, i) => (i === 1 ? { vote: true } : { vote: false, why: 'another way leads elsewhere' })),
    );
    expect(await kit.ports.check({ ...request, further: [[]] })).toContainEqual({
      vote: null,
      why: 'no other way was found',
    });
  });

  test('sums.ts and steady.ts ask', async () => {
    const sums = await kitOf('sums.ts');
    const [first, second] = await sums.play('ask');
    expect([first, second].map((each) => each!.reply.map(({ id }) => id))).toEqual([['sum-0'], ['sum-1']]);
    const steady = await kitOf('steady.ts');
    const asked = await steady.ports.ask({ from: 4, count: 4 });
    expect(asked).toEqual(await steady.ports.ask({ from: 4, count: 4 }));
    expect(asked.map(({ id }) => id.startsWith('double-'))).toEqual([false, true, false, true]);
  });

  test('calm.ts tells once that nine of ten are right; relative.ts remembers', async () => {
    const calm = await kitOf('calm.ts');
    const evaluation = { ...recorded.evaluations[0]!, greedy: 0.95 };
    await calm.ports.watch({ type: 'evaluated', evaluation: { ...evaluation, greedy: 0.5 } });
    expect(calm.told).toEqual([]);
    for (let i = 0; i < 2; i++) await calm.ports.watch({ type: 'evaluated', evaluation });
    expect(calm.told).toEqual(['nine of ten are right']);
    const relative = await kitOf('relative.ts');
    const request = { ...recorded.requests.reward[0]!, share: 1 };
    const earned: number[] = [];
    for (let i = 0; i < 2; i++) earned.push(Math.max(...((await relative.ports.reward(request)) as readonly number[])));
    expect(earned).toEqual([0.5, expect.closeTo(0.45, 12)]);
  });

  test('truth.ts rewards by the label where it may read it', async () => {
    const request = recorded.requests.reward[0]!;
    const answer = request.answers.find((each) => each !== null)!;
    const kit = await kitOf('truth.ts', { labels: { [request.group.question.id]: answer } });
    const reply = await kit.ports.reward(request);
    expect(reply).toEqual({
      rewards: request.classes.map((each) => Number(each === request.classes[request.answers.indexOf(answer)])),
      verified: true,
    });
    expect(
      await kit.ports.reward(
        recorded.requests.reward.find(({ group }) => group.question.id !== request.group.question.id)!,
      ),
    ).toBeUndefined();
    const denied = await kitOf('truth.ts');
    await expect(denied.ports.reward(request)).rejects.toThrow('labels: true');
  });

  test('remote.ts samples from a server, and leaves to the run what the server cannot do', async () => {
    let status = 200;
    const asked: { n: number; messages: { content: string }[] }[] = [];
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as (typeof asked)[number];
      asked.push(body);
      const content = [7, 2].map((token) => ({ token: `token_id:${token}`, logprob: -0.5 }));
      const choice = { message: { content: '\\boxed{7}' }, finish_reason: 'stop', logprobs: { content } };
      response
        .writeHead(status)
        .end(JSON.stringify({ usage: { prompt_tokens: 9 }, choices: Array.from({ length: body.n }, () => choice) }));
    };
    const server = createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`;
    const kit = await kitOf('remote.ts', { options: { url, model: 'mine' } });
    const question = { id: 'q', text: 'What is 3 + 4?', pictures: [], origin: 'plugin' } as const;
    const request = { ...recorded.requests.sample[0]!, version: 0, questions: [question] };
    const { groups, promptTokens, newTokens } = await kit.ports.sample(request);
    expect(asked[0]!.messages).toEqual([{ role: 'user', content: question.text }]);
    expect(groups[0]).toHaveLength(request.params.samples);
    expect(groups[0]![0]).toEqual({ tokens: [7, 2], logprobs: [-0.5, -0.5], text: '\\boxed{7}', finish: 'stop' });
    expect([promptTokens, newTokens]).toEqual([9, 2 * request.params.samples]);
    await kit.play('sample');
    expect(asked).toHaveLength(1);
    status = 503;
    await expect(kit.ports.sample(request)).rejects.toThrow('answered 503');
    expect(kit.state('sample')).toMatchObject({ state: 'restarting' });
  });
});

describe('the reference', () => {
  test('is as the sources have it (npx tsx docs/make-plugin-reference.ts)', () => {
    expect(readFileSync(join(ROOT, 'docs/plugin-reference.md'), 'utf8')).toBe(pluginReferencePage());
  });

  test('has what is declared, with its comment and without bodies', () => {
    const source = `/** One. */\nexport interface A {\n  readonly b: number;\n}\n\n/** Two. */\nexport function f(a: {\n  b: number;\n}): void {\n  a();\n}\n\nexport type T = 'a' | 'b';\nconst hidden = 1;\n`;
    expect(declarationsOf(source)).toEqual([
      { name: 'A', text: '/** One. */\nexport interface A {\n  readonly b: number;\n}' },
      { name: 'f', text: '/** Two. */\nexport function f(a: {\n  b: number;\n}): void;' },
      { name: 'T', text: "export type T = 'a' | 'b';" },
    ]);
  });
});
