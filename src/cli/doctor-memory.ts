/** `quorum doctor` works out what the model takes of memory by the settings, before anything is loaded. */
import type { Memory } from '../compute/memory.ts';
import type { Config } from '../config/schema.ts';
import { memoryOfRun } from '../policy/local/memory.ts';
import { InputError } from '../protocol/errors.ts';
import { bytes } from './view/format.ts';

export type MemoryDiagnosis =
  | { readonly parts: Memory; /** Bytes. */ readonly learner: number }
  | { readonly notWorkedOut: string };

export async function workOutMemory(config: Config): Promise<MemoryDiagnosis> {
  try {
    const parts = await memoryOfRun(config);
    const { learnerBytes } = await import('../compute/memory.ts');
    return { parts, learner: learnerBytes(parts) };
  } catch (error) {
    return { notWorkedOut: error instanceof InputError ? error.message : String(error) };
  }
}

/** The diagnosis in one line. */
export function memoryWords(diagnosis: MemoryDiagnosis, { sampling }: Pick<Config, 'sampling'>): string {
  if ('notWorkedOut' in diagnosis) return `not worked out: ${diagnosis.notWorkedOut}`;
  const { parts, learner } = diagnosis;
  const list = Object.entries(parts).map(([name, size]) => `${name} ${bytes(size as number)}`);
  return `the learner about ${bytes(learner)} on the processor, with ${sampling.samples} responses of ${sampling.maxNewTokens} tokens a question: ${list.join(', ')} (of a sampler: frozen and cache)`;
}
