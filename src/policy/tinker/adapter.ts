/** A version as a folder: the server's archive is an adapter in PEFT's layout. */
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { makeFolder } from '../../lib/make-folder.ts';
import { writeWhole } from '../../lib/whole-file.ts';
import { InputError } from '../../protocol/errors.ts';
import type { TinkerClient } from './client.ts';

const FILES = new Set(['adapter_config.json', 'adapter_model.safetensors']);
const STATE = 'tinker.json';

const state = z.object({ version: z.int(), state: z.string().regex(/^tinker:\/\//) });

/** `tinker://RUN/[KIND/]NAME` */
export function checkpointPath(path: string): string {
  const [run, ...rest] = path.replace('tinker://', '').split('/');
  return `/training_runs/${run}/checkpoints/${rest.at(-1)}`;
}

/** @throws InputError when the archive holds no adapter. */
export async function saveAdapter(client: TinkerClient, path: string, folder: string, seconds: number): Promise<void> {
  const bytes = await client.download(`${checkpointPath(path)}/archive`, seconds);
  await rm(folder, { recursive: true, force: true });
  makeFolder(folder);
  const found: string[] = [];
  const unpack = extract();
  const unpacking = pipeline(Readable.from([bytes]), createGunzip(), unpack);
  for await (const entry of unpack) {
    const name = basename(entry.header.name);
    const parts: Uint8Array[] = [];
    for await (const part of entry) parts.push(part as Uint8Array);
    if (entry.header.type !== 'file' || !FILES.has(name)) continue;
    await writeWhole(join(folder, name), parts);
    found.push(name);
  }
  await unpacking;
  if (found.length < FILES.size)
    throw new InputError(
      `${path}: its archive holds ${found.join(', ') || 'no adapter'}, not ${[...FILES].join(' and ')}`,
    );
}

/** Names the server's own copy, with the optimizer's moments, in the folder of a checkpoint. */
export async function writeState(folder: string, version: number, path: string): Promise<void> {
  await writeWhole(join(folder, STATE), [`${JSON.stringify({ version, state: path }, null, 2)}\n`]);
}

/** The server's copy of version `version`. @throws InputError */
export async function readState(folder: string, version: number): Promise<string> {
  const file = join(folder, STATE);
  const text = await readFile(file, 'utf8').catch(() => {
    throw new InputError(
      `${file} is missing: the checkpoint is not of a run with \`workers.engine\` "tinker": set the engine that the run was begun with`,
    );
  });
  const found = state.safeParse(parsed(text));
  if (!found.success || found.data.version !== version)
    throw new InputError(`${file} does not name the server's copy of version ${version}`);
  return found.data.state;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
