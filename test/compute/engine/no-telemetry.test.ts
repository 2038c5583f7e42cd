import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/rig.ts';
import { LOADER, moduleToRun } from '../../support/script.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Runs a program of one session, in a process or a thread of it, with a home of its own. @returns what it left there.
 */
function leftAtHome(source: string): string[] {
  const home = temporaryFolder();
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, '.cache'), TMPDIR: home };
  delete env['ORT_DISABLE_TELEMETRY'];
  execFileSync(process.execPath, [...LOADER, '--input-type=module', '--eval', source], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const cache = join(home, '.cache');
  return [
    ...readdirSync(home).filter((name) => name.startsWith('mat-debug')),
    ...(existsSync(cache) ? readdirSync(cache, { recursive: true }).map(String) : []),
  ];
}

const [engines, open, schema] = ['compute/engine/engines', 'policy/local/open', 'config/schema'].map(
  (name) => moduleToRun(new URL(`../../../src/${name}.ts`, import.meta.url)).href,
);

const run = `
  import * as tf from '@tensorflow/tfjs-core';
  import { createEngine } from '${engines}';
  const engine = await createEngine('cpu', { threads: 1 });
  const program = await engine.compile({ name: 'p', inputs: { x: { dtype: 'float32', shape: [1] } }, build: ({ x }) => ({ y: tf.add(x, 1) }) });
  await program.run({ x: { dtype: 'float32', shape: [1], data: new Float32Array(1) } });
`;

it('a session in this process leaves nothing behind and counts nothing', () => {
  expect(leftAtHome(run).filter((name) => /Microsoft|mat-debug/.test(name))).toEqual([]);
});

it('nor does one in a thread of a policy', () => {
  const sample = `
    import { openForSampling } from '${open}';
    import { configSchema } from '${schema}';
    const sampler = await openForSampling(configSchema.parse({ model: './models/mini' }));
    const question = { id: 'q', text: 'What is the area?', pictures: [], origin: 'dataset' };
    const params = { samples: 1, temperature: 0, topP: 1, topK: 0, maxNewTokens: 2 };
    await sampler.sample({ questions: [question], params, seed: 0, version: 0 });
    await sampler[Symbol.asyncDispose]();
  `;
  expect(leftAtHome(sample).filter((name) => /Microsoft|mat-debug/.test(name))).toEqual([]);
});
