/** Sends a version's Hugging Face folder as a tar stream, without the files that only our own trainer reads. */
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { pack, type Pack } from 'tar-stream';

/** Optimizer moments, trainer state and checksums (src/compute/training/checkpoint.ts, src/store/checkpoints.ts). */
const OURS: readonly string[] = ['optimizer.safetensors', 'trainer_state.json', 'checksums.json'];

/**
 * Opens every file before it sends the first byte, so that a checkpoint removed meanwhile still arrives whole. Rejects
 * when the reader goes away.
 * @param begin called once the files are open, to send the headers.
 */
export async function sendTar(folder: string, root: string, out: Writable, begin: () => void): Promise<void> {
  const files = await openFiles(folder);
  try {
    begin();
    const tar = pack();
    await Promise.all([pipeline(tar, out), addAll(tar, root, files)]);
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
}

async function openFiles(folder: string): Promise<OpenFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && !OURS.includes(entry.name)).map(({ name }) => name);
  const files: OpenFile[] = [];
  try {
    for (const name of names.toSorted()) files.push({ name, handle: await open(join(folder, name)) });
    return files;
  } catch (error) {
    await Promise.all(files.map(({ handle }) => handle.close()));
    throw error;
  }
}

async function addAll(tar: Pack, root: string, files: readonly OpenFile[]): Promise<void> {
  for (const { name, handle } of files) {
    const { size, mtime } = await handle.stat();
    const entry = tar.entry({ name: `${root}/${name}`, size, mtime });
    await pipeline(handle.createReadStream({ autoClose: false, start: 0 }), entry);
  }
  tar.finalize();
}
