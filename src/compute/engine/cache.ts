/** Compiled programs by signature, bounded: the least recently used is disposed. */
import type { Program, ProgramSpec } from './engine.ts';

export function signature(spec: ProgramSpec): string {
  const inputs = Object.entries(spec.inputs).map(([name, { dtype, shape }]) => `${name}:${dtype}[${shape.join()}]`);
  return JSON.stringify([spec.name, inputs, spec.inPlace ?? {}, spec.resident ?? []]);
}

export class ProgramCache {
  readonly #limit: number;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Concurrent calls for one signature share one compilation; a failed one is forgotten. */
  async get(spec: ProgramSpec, compile: (onDispose: () => void) => Promise<Program>): Promise<Program> {
    const key = signature(spec);
    const cached = this.#programs.get(key);
    this.#programs.delete(key);
    const program = cached ?? compile(() => this.#programs.delete(key));
    this.#programs.set(key, program);
    if (!cached) program.catch(() => this.#programs.delete(key));
    await this.#evict();
    return program;
  }

  async #evict(): Promise<void> {
    while (this.#programs.size > this.#limit) {
      const [key, program] = this.#programs.entries().next().value!;
      this.#programs.delete(key);
      await (await program).dispose();
    }
  }

  async clear(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    await Promise.all(programs.map(async (program) => (await program).dispose()));
  }
}
