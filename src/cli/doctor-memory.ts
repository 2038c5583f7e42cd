/** `quorum doctor` works out what the model takes of memory by the settings, before anything is loaded. */
import type { Memory } from '../compute/memory.ts';
import type { Config } from '../config/schema.ts';
import { neededBytes } from '../policy/local/fit.ts';
import { memoryOfRun } from '../policy/local/memory.ts';
import { InputError } from '../protocol/errors.ts';
import { bytes } from './view/format.ts';

export type MemoryDiagnosis =
  | {
      readonly parts: Memory;
      /** Bytes of the whole run. */
      readonly needed: number;
      /** Bytes of weights in files, which the system reads again where memory is short. */
      readonly mapped: number;
    }
  | { readonly notWorkedOut: string };

export async function workOutMemory(config: Config): Promise<MemoryDiagnosis> {
  try {
    const parts = await memoryOfRun(config);
    return { parts, ...(await neededBytes(config, parts)) };
  } catch (error) {
    return { notWorkedOut: error instanceof InputError ? error.message : String(error) };
  }
}

/** The diagnosis in one line. */
export function memoryWords(
  diagnosis: MemoryDiagnosis,
  { sampling, workers }: Pick<Config, 'sampling' | 'workers'>,
): string {
  if ('notWorkedOut' in diagnosis) return `not worked out: ${diagnosis.notWorkedOut}`;
  const { parts, needed, mapped } = diagnosis;
  const list = Object.entries(parts).map(([name, size]) => `${name} ${bytes(size as number)}`);
  const where = workers.engine.startsWith('cuda') ? 'of the GPU' : 'of memory';
  const files = mapped > 0 ? `, and ${bytes(mapped)} of mapped files` : '';
  return `a run about ${bytes(needed)} ${where}${files}, with ${sampling.samples} responses of ${sampling.maxNewTokens} tokens a question: ${list.join(', ')}`;
}
