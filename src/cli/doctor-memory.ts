/** `quorum doctor` works out what the model takes of memory by the settings, before anything is loaded. */
import type { Config } from '../config/schema.ts';
import { memoryOfRun, type Needs } from '../policy/local/memory.ts';
import { InputError } from '../protocol/errors.ts';
import { bytes } from './view/format.ts';

export type MemoryDiagnosis =
  | {
      /** By place: the host, and each GPU that the run uses. */
      readonly places: readonly Needs[];
    }
  | { readonly notWorkedOut: string };

export async function workOutMemory(config: Config): Promise<MemoryDiagnosis> {
  try {
    return { places: await memoryOfRun(config) };
  } catch (error) {
    return { notWorkedOut: error instanceof InputError ? error.message : String(error) };
  }
}

/** The diagnosis in one line. */
export function memoryWords(diagnosis: MemoryDiagnosis, { sampling }: Pick<Config, 'sampling'>): string {
  if ('notWorkedOut' in diagnosis) return `not worked out: ${diagnosis.notWorkedOut}`;
  const places = diagnosis.places.map(({ place, parts, needed, mapped }) => {
    const sizes = Object.entries(parts).filter(([, size]) => size > 0);
    const list = sizes.map(([name, size]) => `${name} ${bytes(size as number)}`).join(', ');
    const files = mapped > 0 ? `, and ${bytes(mapped)} of mapped files` : '';
    return `${bytes(needed)} ${place === 'host' ? 'of memory' : `of the memory of ${place}`}${files} (${list})`;
  });
  const responses = `${sampling.samples} responses of ${sampling.maxNewTokens} tokens a question`;
  return `a run with ${responses} about ${places.join(', and ')}`;
}
