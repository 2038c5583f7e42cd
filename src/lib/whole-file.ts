/**
 * Files that exist completely or not at all, also after a power cut: each is written under a temporary name in the same
 * folder, flushed, and renamed over the old file, which stays until then.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Chunk by chunk, for files of any size. */
export async function writeWhole(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  const temporary = besides(path);
  try {
    const file = await open(temporary, 'w');
    try {
      for (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    publish(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Synchronous, for small files, with a mode that lets only this user read them. */
export function writeWholeNow(path: string, text: string): void {
  const temporary = besides(path);
  try {
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    publish(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Makes renames inside a folder durable. Windows has no such call and needs none. */
export function flushFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

const besides = (path: string): string => `${path}.tmp`;

function publish(temporary: string, path: string): void {
  renameSync(temporary, path);
  flushFolder(dirname(path));
}
