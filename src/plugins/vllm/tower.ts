/**
 * vLLM leaves out the part of an adapter that changes the vision tower, without an error, unless it is started with
 * `--enable-tower-connector-lora`. An adapter with another such part, and no other difference, shows it.
 */
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from 'quorum';
import { loadAdapter, unloadAdapter, type AdapterPlace } from './adapters.ts';
import { sameLogprobs, type Probe } from './check.ts';
import { locateTensors } from './safetensors.ts';
import type { Server } from './servers.ts';
import { SetupError } from './setup-error.ts';
import { completion } from './wire.ts';

const [CONFIG, WEIGHTS] = ['adapter_config.json', 'adapter_model.safetensors'];
/** The second matrix of a layer of the tower, which is zero in a new adapter. */
const TOWER = /\.vis(ual|ion\w*)\..*\.lora_B\.weight$/;
/** Repeated over the matrix: no row is like the next one. */
const OTHER = Buffer.from(Float32Array.of(1, 0.5, -1).buffer);
/** Tokens whose log-probabilities are compared. */
const COMPARED = 5;

/** @throws SetupError when the adapter changes the tower, and the server does not. */
export async function checkTower(
  server: Server,
  { name, folder, serverFolder }: AdapterPlace,
  probe: Probe | undefined,
  signal: AbortSignal,
): Promise<void> {
  const other = `${name}-other-tower`;
  if (!probe?.question.pictures.length || !(await writeOther(join(folder, name), join(folder, other)))) return;
  try {
    await loadAdapter(server, other, join(serverFolder, other), signal);
    const [as, otherwise] = [await answer(server, name, probe, signal), await answer(server, other, probe, signal)];
    await unloadAdapter(server, other, signal);
    if (!sameLogprobs(as, otherwise)) return;
  } finally {
    await rm(join(folder, other), { recursive: true, force: true });
  }
  throw new SetupError(
    `${server.name} leaves out the part of adapters that changes the vision tower: start it with --enable-tower-connector-lora, or set \`learner.adapter.vision\` to false`,
  );
}

/** Log-probabilities of the most likely first tokens. */
async function answer(server: Server, model: string, { messages }: Probe, signal: AbortSignal): Promise<number[]> {
  const body = {
    model,
    messages,
    temperature: 0, // the token that is drawn comes first among the others
    max_tokens: 1,
    logprobs: true,
    top_logprobs: COMPARED,
    return_token_ids: true,
  };
  const reply = { method: 'POST', path: '/v1/chat/completions', body, schema: completion } as const;
  const { choices } = await server.call(reply, signal);
  return choices[0]!.logprobs.content[0]?.top_logprobs?.map(({ logprob }) => logprob) ?? [];
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
