import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { temporaryFolder } from '../support/temporary.ts';

let checkpoints: Checkpoints;

beforeEach(async () => {
  checkpoints = await Checkpoints.open(join(temporaryFolder(), 'checkpoints'));
});

async function save(version: number, content = `weights ${version}`): Promise<string> {
  const { folder } = await checkpoints.save(version, async (draft) => {
    mkdirSync(join(draft, 'optimizer'), { recursive: true });
    writeFileSync(join(draft, 'model.safetensors'), content);
    writeFileSync(join(draft, 'optimizer', 'moments.safetensors'), 'm');
  });
  return folder;
}

test('the newest is the newest that was saved', async () => {
  expect(await checkpoints.newest()).toEqual({ rejected: [] });
  await save(25);
  const folder = await save(100);
  await save(50);
  expect(await checkpoints.newest()).toEqual({ checkpoint: { version: 100, folder }, rejected: [] });
  expect(folder).toMatch(/v000100$/);
  expect(readFileSync(join(folder, 'model.safetensors'), 'utf8')).toBe('weights 100');
});

describe('a checkpoint that does not hold is passed over, and says why', () => {
  const harm: Record<string, (folder: string) => void> = {
    'model.safetensors does not match its checksum': (folder) =>
      writeFileSync(join(folder, 'model.safetensors'), 'weights 26'),
    'model.safetensors has 3 bytes, not 10': (folder) => truncateSync(join(folder, 'model.safetensors'), 3),
    'optimizer/moments.safetensors is missing': (folder) => rmSync(join(folder, 'optimizer'), { recursive: true }),
    'checksums.json is missing': (folder) => rmSync(join(folder, 'checksums.json')),
    'checksums.json is damaged': (folder) => appendFileSync(join(folder, 'checksums.json'), '}'),
  };

  test.each(Object.entries(harm))('%s', async (reason, damage) => {
    const older = await save(5);
    const newer = await save(25);
    damage(newer);
    expect(await checkpoints.newest()).toEqual({
      checkpoint: { version: 5, folder: older },
      rejected: [{ version: 25, folder: newer, reason }],
    });
    await expect(checkpoints.verify(25)).rejects.toThrow(`checkpoint ${newer} cannot be used: ${reason}`);
    await save(25);
    expect((await checkpoints.newest()).checkpoint?.version).toBe(25);
    await expect(checkpoints.verify(5)).resolves.toMatchObject({ version: 5 });
  });
});

test('a failed write leaves no trace and harms nothing', async () => {
  await save(25);
  const failed = checkpoints.save(50, async (draft) => {
    mkdirSync(draft);
    writeFileSync(join(draft, 'model.safetensors'), 'half');
    throw new Error('the learner died');
  });
  await expect(failed).rejects.toThrow('the learner died');
  expect(readdirSync(checkpoints.folder)).toEqual(['v000025']);
});

test('a full disk is named, also when the error comes from another thread without its code', async () => {
  const failed = checkpoints.save(50, () => Promise.reject(new Error('ENOSPC: no space left on device, write')));
  await expect(failed).rejects.toThrow(
    `cannot write ${checkpoints.folderOf(50)}: no space left on the disk; nothing saved before was harmed`,
  );
});

test('what an interrupted write left is cleared at the next start, and never taken for a checkpoint', async () => {
  const leftover = join(checkpoints.folder, '.unfinished-abc', 'draft');
  mkdirSync(leftover, { recursive: true });
  expect(await checkpoints.versions()).toEqual([]);
  expect(await Checkpoints.at(checkpoints.folder).newest()).toEqual({ rejected: [] });
  expect(existsSync(leftover)).toBe(true); // a reader leaves the writer's work alone
  await Checkpoints.open(checkpoints.folder);
  expect(existsSync(leftover)).toBe(false);
});

test('saving a version that is there and holds keeps it', async () => {
  const folder = await save(25, 'first');
  await save(25, 'second');
  expect(readFileSync(join(folder, 'model.safetensors'), 'utf8')).toBe('first');
});

test('pruning keeps the newest and the best; the replay floor is where the oldest of the newest starts', async () => {
  for (const version of [25, 50]) await save(version);
  expect(await checkpoints.prune(3)).toEqual({ versions: [25, 50], replayFloor: 0 });
  for (const version of [75, 100, 125]) await save(version);
  expect(await checkpoints.prune(3, [50])).toEqual({ versions: [50, 75, 100, 125], replayFloor: 75 });
  expect(readdirSync(checkpoints.folder).sort()).toEqual(['v000050', 'v000075', 'v000100', 'v000125']);
});
