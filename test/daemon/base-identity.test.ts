/** Whose run it is: the base is known by its content, and a start with another prompt or other settings says so. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identifyBase } from '../../src/compute/hf/base-identity.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/compute/hf/shards.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { Database } from '../../src/store/database.ts';
import { openStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from '../support/rig.ts';
import { launchToyHere } from '../support/toy-launch.ts';
import { toyRun } from '../support/toy-run.ts';

const MINI = join(import.meta.dirname, '../../models/mini');

/** A copy of the bundled model, `changed` in one file. */
function baseIn(folder: string, name: string, change: (base: string) => void = () => undefined): string {
  const base = join(folder, name);
  cpSync(MINI, base, { recursive: true });
  change(base);
  return base;
}

/** One byte of the last tensor; size and times stay. */
function otherWeights(base: string): void {
  const file = join(base, 'model.safetensors');
  const bytes = readFileSync(file);
  bytes[bytes.length - 2]! ^= 1;
  writeFileSync(file, bytes);
  utimesSync(file, 1_700_000_000, 1_700_000_000);
}

function edited(base: string, name: string, from: string, to: string): void {
  const text = readFileSync(join(base, name), 'utf8');
  if (!text.includes(from)) throw new Error(`${name} does not hold ${from}`);
  writeFileSync(join(base, name), text.replace(from, to));
}

/** With work in hand at its end: three batches may be sampled ahead. */
async function launch(folder: string, steps: number, input: ConfigInput) {
  const { config: toy } = toyRun(
    { ...input, loop: { maxStaleness: 2, steps }, checkpoints: { everySteps: 2, keepLast: 2 } },
    folder,
  );
  const { sampled, learnt } = await launchToyHere(toy);
  using store = openStore(join(toy.runFolder, 'quorum.db'));
  const notes = store.events(50, 'note').map(({ data }) => String(data));
  return { sampled, learnt, notes, gone: store.counts().dropped.gone ?? 0, judged: store.judgedGroups(1_000) };
}

test('the same base under another name is accepted; another base under the same name is refused, with the differences', async () => {
  const folder = temporaryFolder();
  const [here, there] = ['here', 'there'].map((name) => join(folder, name));
  mkdirSync(there!);
  await launch(folder, 2, { model: baseIn(here!, 'base') });
  const moved = baseIn(there!, 'renamed', (base) =>
    edited(base, 'config.json', '{', '{ "transformers_version": "9.9.9",'),
  );
  const { notes } = await launch(folder, 4, { model: moved });
  expect(notes.filter((note) => note.includes('since the last start'))).toEqual([]);

  const startedOn = (name: string, change: (base: string) => void) =>
    launch(folder, 6, { model: baseIn(join(there!, name), 'base', change) });
  const begun = /^runFolder .* was begun with another base than model .*base is now: /.source;
  const fix = /Name the base that the run was begun with, or choose another run folder$/.source;
  const weights = new RegExp(`${begun}weights [0-9a-f]{12}, which was [0-9a-f]{12}\\. ${fix}`);
  await expect(startedOn('weights', otherWeights)).rejects.toThrow(weights);
  const tokenizer = (base: string) => appendFileSync(join(base, 'tokenizer.json'), '\n');
  await expect(startedOn('tokenizer', tokenizer)).rejects.toThrow(/is now: tokenizer /);
  const configuration = (base: string) => edited(base, 'config.json', '"rope_theta": 10000', '"rope_theta": 20000');
  await expect(startedOn('config', configuration)).rejects.toThrow(/is now: configuration /);
  await launch(folder, 6, { model: join(here!, 'base') });
});

test('weights are the same however they are divided, and are read again only where their files changed', async () => {
  const folder = temporaryFolder();
  const whole = baseIn(folder, 'whole', () => undefined);
  const tensors = await readCheckpoint(whole);
  await writeCheckpoint(whole, tensors);
  const divided = baseIn(folder, 'divided', (base) => rmSync(join(base, 'model.safetensors')));
  await writeCheckpoint(divided, Object.fromEntries(Object.entries(tensors).toReversed()), 'F32', 1_000_000);
  expect(readdirSync(divided).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(2);
  const [one, other] = [await identifyBase(whole), await identifyBase(divided)];
  expect(other!.weights).toBe(one!.weights);
  expect(await identifyBase(join(folder, 'none'))).toBeUndefined();

  expect(await identifyBase(whole, { ...one!, weights: 'remembered' })).toEqual({ ...one, weights: 'remembered' });
  otherWeights(whole);
  const changed = await identifyBase(whole, one);
  expect(changed!.weights).not.toBe(one!.weights);
});

test('a run of an older Quorum, which knows its base by name, takes the digest on at its next start', async () => {
  const folder = temporaryFolder();
  const model = baseIn(folder, 'base');
  await launch(folder, 2, { model });
  const database = new Database(join(folder, 'run', 'quorum.db'));
  database.script("DELETE FROM meta WHERE key = 'run.base'");
  database.close();
  await expect(launch(folder, 4, { model: baseIn(folder, 'other') })).rejects.toThrow(
    /was begun with model base, which is now other: set it back/,
  );
  await launch(folder, 4, { model });
  await launch(folder, 6, { model: join(folder, 'other') });
  otherWeights(model);
  await expect(launch(folder, 8, { model })).rejects.toThrow(/another base/);
});

test.each([
  [
    'promptTemplate',
    (input: ConfigInput): ConfigInput => ({ ...input, promptTemplate: '{question} Think.' }),
    /^promptTemplate changed since/,
  ],
  [
    'prompt.system',
    (input: ConfigInput): ConfigInput => ({ ...input, prompt: { system: 'Think.' } }),
    /^prompt\.system changed since/,
  ],
  [
    'the chat template',
    (input: ConfigInput): ConfigInput => {
      edited(input.model!, 'chat_template.json', '<|im_start|>', '<|im_start|>  ');
      return input;
    },
    /^the chat template, image processor or end tokens of .*base changed since/,
  ],
])('%s changed: it is said, and nothing is learnt that answered the old prompt', async (_, change, said) => {
  const folder = temporaryFolder();
  const input: ConfigInput = { model: baseIn(folder, 'base') };
  await launch(folder, 2, input);
  const changed = change(input);
  const { sampled, learnt, notes, gone } = await launch(folder, 4, changed);
  const asked = sampled.map(({ id }) => id);
  for (const { group } of learnt.flatMap(({ groups }) => groups)) expect(asked).toContain(group.question.id);
  expect(gone).toBeGreaterThan(0);
  const notice = notes.filter((note) => note.includes('since the last start'));
  expect(notice).toEqual([expect.stringMatching(said)]);
  expect(notice[0]).toMatch(new RegExp(`; ${gone} groups in hand dropped`));
  const again = await launch(folder, 6, changed);
  expect(again.notes.filter((note) => note.includes('since the last start'))).toEqual(notice);
});

test('the prompt does not change while steps have to be learnt again as they were', async () => {
  const folder = temporaryFolder();
  const input: ConfigInput = { model: baseIn(folder, 'base') };
  await launch(folder, 4, input);
  const checkpoints = join(folder, 'run', 'checkpoints');
  const newest = readdirSync(checkpoints).toSorted().at(-1)!;
  renameSync(join(checkpoints, newest), join(folder, newest));
  const changed = { ...input, promptTemplate: '{question} Think.' };
  await expect(launch(folder, 6, changed)).rejects.toThrow(
    /^promptTemplate changed, but the last 2 steps have to be learnt again/,
  );
  await launch(folder, 6, input);
  await launch(folder, 8, changed);
});

test('other settings that changed are said once, with both values; where the run lies, and how it is shown, are not', async () => {
  const folder = temporaryFolder();
  const model = baseIn(folder, 'base');
  await launch(folder, 2, { model });
  const changed = {
    model,
    sampling: { temperature: 0.8 },
    learner: { klCoefficient: 0.02 },
    log: { level: 'warn' },
    timeouts: { learnSeconds: 99 },
  } as const;
  const { notes } = await launch(folder, 4, changed);
  const said = notes.filter((note) => note.startsWith('settings changed'));
  expect(said).toEqual([
    expect.stringMatching(
      /^settings changed since the last start: sampling\.temperature 0\.8 \(was 1\); learner\.klCoefficient 0\.02 \(was /,
    ),
  ]);
  const again = await launch(folder, 6, changed);
  expect(again.notes.filter((note) => note.startsWith('settings changed'))).toEqual(said);
});
