/** Compiled programs by signature, bounded: those used longest ago are disposed. */
import type { Program, ProgramSpec } from './engine.ts';

export function signature(spec: ProgramSpec): string {
  const inputs = Object.entries(spec.inputs).map(([name, { dtype, shape }]) => `${name}:${dtype}[${shape.join()}]`);
  return JSON.stringify([spec.name, inputs, spec.inPlace ?? {}, spec.resident ?? []]);
}

interface Entry {
  readonly spec: ProgramSpec;
  readonly program: Promise<Program>;
}

export class ProgramCache {
  readonly #limit: number;
  readonly #excess: (specs: readonly ProgramSpec[]) => number;
  readonly #programs = new Map<string, Entry>();

  /** @param excess by how much programs that are there together take too much; 0 when they fit */
  constructor(limit: number, excess: (specs: readonly ProgramSpec[]) => number = () => 0) {
    this.#limit = limit;
    this.#excess = excess;
  }

  /** Concurrent calls for one signature share one compilation; a failed one is forgotten. */
  async get(spec: ProgramSpec, compile: (onDispose: () => void) => Promise<Program>): Promise<Program> {
    const key = signature(spec);
    const cached = this.#programs.get(key);
    this.#programs.delete(key);
    const entry = cached ?? {
      spec,
      program: this.#makeRoom(key, spec).then(() => compile(() => this.#programs.delete(key))),
    };
    this.#programs.set(key, entry);
    if (!cached) entry.program.catch(() => this.#programs.delete(key));
    await this.#evict();
    return entry.program;
  }

  /** Disposes of programs, those used longest ago first, until `spec` fits beside the rest: before it takes anything. */
  async #makeRoom(own: string, spec: ProgramSpec): Promise<void> {
    const excessWithout = (key: string): number => {
      const others = [...this.#programs].filter(([other]) => other !== own && other !== key);
      return this.#excess([...others.map(([, entry]) => entry.spec), spec]);
    };
    for (const [key, { program }] of this.#programs) {
      const excess = excessWithout(own);
      if (excess <= 0) return;
      if (excessWithout(key) >= excess) continue;
      this.#programs.delete(key);
      await program.then((compiled) => compiled.dispose()).catch(() => {});
    }
  }

  async #evict(): Promise<void> {
    while (this.#programs.size > this.#limit) {
      const [key, { program }] = this.#programs.entries().next().value!;
      this.#programs.delete(key);
      await (await program).dispose();
    }
  }

  async clear(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    await Promise.all(programs.map(async ({ program }) => (await program).dispose()));
  }
}
