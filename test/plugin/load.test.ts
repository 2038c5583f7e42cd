import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import { bindPlugin, loadPlugins, type Services } from '../../src/plugin/load.ts';
import { PORT_NAMES, PORT_TABLE } from '../../src/plugin/port-table.ts';
import type { RolloutGroup } from '../../src/protocol/messages.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { builtIns } from '../../src/roles/builtins.ts';
import { group, verdict } from '../store/messages.ts';
import { temporaryFolder } from '../support/temporary.ts';

const signal = new AbortController().signal;
let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function refusal(...specs: (string | object)[]): Promise<string> {
  const error: unknown = await loadPlugins(specs, folder).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

const judge = (name: string) =>
  definePlugin({
    name,
    apiVersion: API_VERSION,
    ports: { judge: () => (it) => Promise.resolve(verdict(it.sequence)) },
  });

/** A plug-in file as a user writes it, in TypeScript, with options. */
const LENIENT = `
  import { definePlugin, type RolloutGroup } from 'quorum';
  import { z } from '${join(import.meta.dirname, '../../node_modules/zod/index.js')}';
  export default definePlugin({
    name: 'lenient',
    apiVersion: 1,
    options: z.strictObject({ share: z.number().max(1).default(0.5) }),
    ports: {
      judge: ({ options }) => async (group: RolloutGroup) => ({
        groupId: group.id, answers: ['1', null, '1'], classes: [0, -1, 0], winner: 0, share: options.share, rewards: [1, 0, 1], advantages: [1, -2, 1], kept: true,
      }),
    },
  });`;

describe('a plug-in works, whichever way it is given', () => {
  async function share(spec: string | object): Promise<number> {
    const [plugin] = await loadPlugins([spec], folder);
    expect(plugin!.name).toBe('lenient');
    const judged = await (await plugin!.ports.judge!({ signal } as Services<'judge'>))(group(0), signal);
    return judged.share;
  }

  test('a file, with and without options', async () => {
    file('lenient.ts', LENIENT);
    expect(await share('./lenient.ts')).toBe(0.5);
    expect(await share(join(folder, 'lenient.ts'))).toBe(0.5);
    expect(await share({ use: './lenient.ts', options: { share: 0.25 } })).toBe(0.25);
  });

  test('a package that is installed next to the configuration', async () => {
    file(
      'node_modules/quorum-lenient/package.json',
      '{"name": "quorum-lenient", "type": "module", "exports": "./index.js"}',
    );
    file(
      'node_modules/quorum-lenient/index.js',
      `export default { name: 'lenient', apiVersion: 1, ports: { judge: () => async (group) => ({ groupId: group.id, answers: ['1', null, '1'], classes: [0, -1, 0], winner: 0, share: 0.75, rewards: [1, 0, 1], advantages: [1, -2, 1], kept: true }) } };`,
    );
    expect(await share('quorum-lenient')).toBe(0.75);
  });

  test('an object, with options', async () => {
    const lenient = definePlugin<{ share: number }>({
      name: 'lenient',
      apiVersion: API_VERSION,
      options: z.object({ share: z.number() }),
      ports: {
        judge:
          ({ options }) =>
          (it: RolloutGroup) =>
            Promise.resolve({ ...verdict(it.sequence), share: options.share }),
      },
    });
    expect(await share({ use: lenient, options: { share: 0.125 } })).toBe(0.125);
  });
});

describe('the table of ports', () => {
  test('says which ports the built-in plug-in has', () => {
    const own = Object.keys(builtIns({} as Parameters<typeof builtIns>[0]).ports);
    expect(PORT_NAMES.filter((port) => PORT_TABLE[port].builtIn)).toEqual(own);
  });

  test('gives each port an actor with a role of its own', () => {
    expect(new Set(PORT_NAMES.map((port) => PORT_TABLE[port].role)).size).toBe(PORT_NAMES.length);
  });
});

describe('errors name the plug-in', () => {
  test('not found', async () => {
    expect(await refusal('./nowhere.ts')).toBe(
      `plug-in ./nowhere.ts is not found: there is no file ${join(folder, 'nowhere.ts')}`,
    );
    expect(await refusal('quorum/plugins/majorty')).toMatch(
      /^plug-in quorum\/plugins\/majorty is not found: quorum\/plugins\/ has .*\bmajority\b/,
    );
    expect(await refusal('quorum-nowhere')).toBe(
      'plug-in quorum-nowhere is not found: npm install quorum-nowhere, or give a path that begins with ./',
    );
  });

  test('throws while it is loaded', async () => {
    file('broken.ts', 'throw new Error("no GPU here"); export default {};');
    expect(await refusal('./broken.ts')).toBe('plug-in ./broken.ts failed while it was loaded: no GPU here');
    file('needy.ts', `import 'left-pad-9000'; export default {};`);
    expect(await refusal('./needy.ts')).toContain('plug-in ./needy.ts failed while it was loaded: ');
  });

  test('is not a plug-in', async () => {
    file('empty.ts', 'export const x = 1;');
    expect(await refusal('./empty.ts')).toMatch(
      /^plug-in \.\/empty\.ts is not one: name: .*; export default definePlugin\(\{name, apiVersion, ports\}\)$/,
    );
    expect(await refusal({ ...judge('x'), ports: { judge: 3 } })).toContain(
      'plug-in given in the configuration is not one: ports.judge: expected a function',
    );
  });

  test('another API version, an unknown port, no port', async () => {
    expect(await refusal({ ...judge('old'), apiVersion: 9 })).toBe(
      'plug-in old (given in the configuration) is written for plug-in API 9, but this Quorum has 1: use a version of it that fits',
    );
    const ports =
      'known are ask, sample, judge, learn, evaluate, synthesize, advantage, check, reward, filter, watch, export, panel';
    expect(await refusal({ ...judge('x'), ports: { vote: () => 0 } })).toBe(
      `plug-in x (given in the configuration) has an unknown port "vote"; ${ports}`,
    );
    expect(await refusal({ ...judge('x'), ports: {} })).toBe(
      `plug-in x (given in the configuration) has no ports; ${ports}`,
    );
  });

  test('bad options, or options for a plug-in without options', async () => {
    file('lenient.ts', LENIENT);
    expect(await refusal({ use: './lenient.ts', options: { share: 2 } })).toMatch(
      /^plug-in lenient \(\.\/lenient\.ts\): options\.share: Too big/,
    );
    expect(await refusal({ use: judge('x'), options: { a: 1 } })).toBe(
      'plug-in x (given in the configuration) takes no options, but was given {"a":1}',
    );
  });

  test('listed twice, or rivals for one role', async () => {
    expect(await refusal(judge('x'), judge('x'))).toBe(
      'plug-in x (given in the configuration) is listed twice in plugins',
    );
    expect(await refusal(judge('x'), judge('y'))).toBe(
      'plug-ins x and y both have the port "judge": list only one of them in plugins',
    );
    const watcher = (name: string) => definePlugin({ name, apiVersion: API_VERSION, ports: { watch: () => () => {} } });
    expect(await loadPlugins([judge('mine'), watcher('a'), watcher('b')], folder)).toHaveLength(3);
  });

  test('opens as something else than a function', async () => {
    const plugin = await bindPlugin({ ...judge('x'), ports: { judge: () => 'yes' as never } });
    await expect(plugin.ports.judge!({ signal } as Services<'judge'>)).rejects.toThrow(
      'plug-in x (built in): its port "judge" opened as string, but must be a function',
    );
  });
});
