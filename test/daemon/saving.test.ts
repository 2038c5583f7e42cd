import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/protocol/errors.ts';
import { standing } from '../../src/store/standing.ts';
import { rig } from '../support/rig.ts';
import { ToyPolicy } from '../support/toy-policy.ts';

/** Writes any version, or fails on request. */
class Writer extends ToyPolicy {
  readonly failures: Error[] = [];
  saves = 0;

  override async save(n: number, folder: string): Promise<void> {
    this.saves += 1;
    const failure = this.failures.shift();
    if (failure) throw failure;
    mkdirSync(folder);
    writeFileSync(join(folder, 'table.json'), JSON.stringify({ version: [n] }));
  }
}

async function setUp(keepLast = 2) {
  const policy = new Writer();
  const { saving, store, folder } = await rig({ other: { policy }, config: { checkpoints: { keepLast } } });
  const onDisk = () => readdirSync(join(folder, 'checkpoints')).map((name) => Number(name.slice(1)));
  const model = () => JSON.parse(readFileSync(join(folder, 'model', 'table.json'), 'utf8')) as unknown;
  return { policy, saving, store, folder, onDisk, model };
}

describe('Saving', () => {
  test('keeps the newest checkpoints, the best and what is held, and the link and the record name the newest', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.constantFrom('checkpoint', 'best'), { minLength: 1, maxLength: 6 }),
        async (keepLast, calls) => {
          const { saving, store, folder, onDisk, model } = await setUp(keepLast);
          await saving.checkpoint(1);
          const versions = [1];
          let best: number | undefined;
          await saving.holding(1, async () => {
            for (const [i, call] of calls.entries()) {
              if (call === 'checkpoint') versions.push(i + 2);
              else best = i + 2;
              await saving[call](i + 2);
            }
          });
          const kept = [...new Set([1, ...versions.slice(-keepLast)])];
          expect(onDisk()).toEqual(kept);
          expect(saving.saved()).toEqual(new Set([...kept, ...(best === undefined ? [] : [best])]));
          expect(model()).toEqual({ version: [versions.at(-1)] });
          expect([saving.newest, standing(store).saved]).toEqual([versions.at(-1), versions.at(-1)]);
          expect(saving.modelFolder).toBe(join(folder, 'model'));
          const bestFolder = await saving.bestFolder();
          expect(bestFolder && basename(bestFolder)).toBe(best === undefined ? null : `v00000${best}`);
        },
      ),
      { numRuns: 6, seed: 3 },
    );
  });

  test('calls at once are done one after the other, in their order', async () => {
    const { saving, onDisk, model } = await setUp();
    await Promise.all([saving.checkpoint(1), saving.checkpoint(2), saving.best(2), saving.checkpoint(3)]);
    expect(onDisk()).toEqual([2, 3]);
    expect(model()).toEqual({ version: [3] });
  });

  test('retries a save twice when its thread ends; an error of the disk fails at once', async () => {
    const { policy, saving, store, onDisk } = await setUp();
    const ended = new Error('its thread ended');
    policy.failures.push(ended, ended);
    await saving.checkpoint(1);
    expect(store.events(9, 'save.repeated').map(({ data }) => data)).toEqual([
      { doing: 'saving version 1', reason: ended.message },
      { doing: 'saving version 1', reason: ended.message },
    ]);
    policy.failures.push(ended, ended, ended);
    await expect(saving.checkpoint(2)).rejects.toThrow(ended.message);
    policy.failures.push(new InputError('disk full'));
    policy.saves = 0;
    await expect(saving.checkpoint(2)).rejects.toThrow('disk full');
    expect([policy.saves, onDisk(), saving.newest]).toEqual([1, [1], 1]);
  });

  test('restores what holds, refuses what is damaged, and names what is on disk where a version is not', async () => {
    const { policy, saving } = await setUp();
    await expect(saving.holding(7, () => Promise.resolve())).rejects.toThrow(
      'version 7 is not on disk; on disk are none',
    );
    await saving.checkpoint(1);
    await saving.best(2);
    await expect(saving.holding(7, () => Promise.resolve())).rejects.toThrow('on disk are 1, 2');
    await saving.restore(2, 5); // the best is not among the checkpoints
    expect([policy.current, policy.weights()]).toEqual([5, JSON.stringify({ version: [2] })]);
    writeFileSync(join(saving.folderOf(1)!, 'table.json'), '{"version":[9]}');
    await expect(saving.restore(1, 6)).rejects.toThrow('table.json does not match its checksum');
    expect(policy.current).toBe(5);
  });

  test('writes nothing where the folder was, and rescues the newest version next to it', async () => {
    const { saving, folder } = await setUp();
    await saving.checkpoint(1);
    renameSync(folder, `${folder}.away`);
    for (const save of [saving.checkpoint(2), saving.best(2)])
      await expect(save).rejects.toThrow(/version 2 cannot be saved.*was deleted or moved away/);
    expect(existsSync(folder)).toBe(false);
    const words = await saving.rescue(2, { part: 'folder', text: 'the run folder is gone' });
    const rescued = join(`${folder}.rescued`, 'v000002');
    expect(words).toContain(`Version 2 is saved in ${rescued}.`);
    expect(words).toContain(`a new run from it: --model ${rescued}`);
    expect([saving.newest, saving.modelFolder]).toEqual([2, rescued]);
    rmSync(`${folder}.away`, { recursive: true });
  });

  test('without its database a version is rescued into the folder that is left, and a disk that refuses is said', async () => {
    const { policy, saving, folder } = await setUp();
    const absence = { part: 'database', text: 'the database is gone' } as const;
    policy.failures.push(new InputError('disk full'));
    expect(await saving.rescue(2, absence)).toBe(
      'the database is gone while the daemon ran, and version 2 could not be saved elsewhere: disk full',
    );
    expect(await saving.rescue(2, absence)).toContain('with --begin-again');
    expect(saving.modelFolder).toBe(join(folder, 'checkpoints', 'v000002'));
  });
});
