/** Bytes of memory that this process may use: those of the machine, or fewer where a container is given fewer. */
import { totalmem } from 'node:os';

export function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}
