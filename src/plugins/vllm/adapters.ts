/** Loading and unloading of adapters on a server. */
import { z } from 'zod';
import { RefusedError, type Server } from './servers.ts';
import { SetupError } from './setup-error.ts';

/** A folder in a folder that the server can read. */
export interface AdapterPlace {
  /** Of the adapter and its folder. */
  readonly name: string;
  readonly folder: string;
  /** `folder` as the server sees it. */
  readonly serverFolder: string;
}

const NEEDS_ADAPTERS =
  '--enable-lora --max-lora-rank RANK --max-loras N, and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 in its environment';

/** @throws SetupError when the server takes no adapters, or not this one. */
export async function loadAdapter(server: Server, name: string, path: string, signal: AbortSignal): Promise<void> {
  const body = { lora_name: name, lora_path: path };
  try {
    await server.call({ method: 'POST', path: '/v1/load_lora_adapter', body, schema: z.unknown() }, signal);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    if (/already/i.test(error.message)) return;
    throw new SetupError(`${error.message}. Start the server with ${NEEDS_ADAPTERS}; it must be able to read ${path}`);
  }
}

export async function unloadAdapter(server: Server, name: string, signal: AbortSignal): Promise<void> {
  const body = { lora_name: name };
  await server.call({ method: 'POST', path: '/v1/unload_lora_adapter', body, schema: z.unknown() }, signal);
}
