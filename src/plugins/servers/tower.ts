/**
 * A server may leave out the part of an adapter that changes the vision tower, without an error: vLLM unless it is
 * started with a flag, SGLang always. An adapter with another such part, and no other difference, shows it.
 */
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from 'quorum';
import { sameLogprobs } from './checks.ts';
import { locateTensors } from './safetensors.ts';
import type { Server } from './servers.ts';
import { SetupError } from './setup-error.ts';
import type { AdapterPlace } from './versions.ts';
import type { Probe, Wire } from './wire.ts';

const [CONFIG, WEIGHTS] = ['adapter_config.json', 'adapter_model.safetensors'];
/** The second matrix of a layer of the tower, which is zero in a new adapter. */
const TOWER = /\.vis(ual|ion\w*)\..*\.lora_B\.weight$/;
/** Repeated over the matrix: no row is like the next one. */
const OTHER = Buffer.from(Float32Array.of(1, 0.5, -1).buffer);

/** @throws SetupError when the adapter changes the tower, and the server does not. */
export async function checkTower(
  server: Server,
  wire: Wire,
  { name, folder, serverFolder }: AdapterPlace,
  probe: Probe | undefined,
  signal: AbortSignal,
): Promise<void> {
  const other = `${name}-other-tower`;
  if (!probe?.question.pictures.length || !(await writeOther(join(folder, name), join(folder, other)))) return;
  try {
    await wire.loadAdapter(server, other, join(serverFolder, other), signal);
    const likely = (adapter: string) => wire.likely(server, adapter, probe, 0, signal);
    const [as, otherwise] = [await likely(name), await likely(other)];
    await wire.unloadAdapter(server, other, signal);
    if (!sameLogprobs(as, otherwise)) return;
  } finally {
    await rm(join(folder, other), { recursive: true, force: true });
  }
  throw new SetupError(
    `${server.name} leaves out the part of adapters that changes the vision tower: ${wire.flags.tower}set \`learner.adapter.vision\` to false`,
  );
}

/** Writes the adapter with another part for the tower. @returns false when it has none. */
async function writeOther(from: string, to: string): Promise<boolean> {
  const file = join(from, WEIGHTS);
  const tower = [...(await locateTensors(file))].filter(([name, { dtype }]) => dtype === 'F32' && TOWER.test(name));
  if (tower.length === 0) return false;
  const bytes = await readFile(file);
  for (const [, { from: start, to: end }] of tower) bytes.fill(OTHER, start, end);
  makeFolder(to);
  await copyFile(join(from, CONFIG), join(to, CONFIG));
  await writeFile(join(to, WEIGHTS), bytes);
  return true;
}
