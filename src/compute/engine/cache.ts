/** Compiled programs by signature, bounded: those used longest ago are disposed. */
import type { Program, ProgramSpec } from './engine.ts';

export function signature(spec: ProgramSpec): string {
  const inputs = Object.entries(spec.inputs).map(([name, { dtype, shape }]) => `${name}:${dtype}[${shape.join()}]`);
  return JSON.stringify([spec.name, inputs, spec.inPlace ?? {}, spec.resident ?? []]);
}

interface Entry {
  readonly spec: ProgramSpec;
  readonly program: Promise<Program>;
  /** Of the compiled program; 0 before. */
  keptBytes: number;
}

/** A program that is there. */
export type Held = Pick<Entry, 'spec' | 'keptBytes'>;

/** Bytes that all but the largest of the programs keep between their runs. */
export function keptBeside(held: readonly Held[]): number {
  const sizes = held.map(({ keptBytes }) => keptBytes);
  return sizes.reduce((sum, size) => sum + size, 0) - Math.max(0, ...sizes);
}

export class ProgramCache {
  readonly #limit: number;
  readonly #excess: (held: readonly Held[]) => number;
  readonly #programs = new Map<string, Entry>();

  /** @param excess by how much programs that are there together take too much; 0 when they fit */
  constructor(limit: number, excess: (held: readonly Held[]) => number = () => 0) {
    this.#limit = limit;
    this.#excess = excess;
  }

  /** Concurrent calls for one signature share one compilation; a failed one is forgotten. */
  async get(spec: ProgramSpec, compile: (onDispose: () => void) => Promise<Program>): Promise<Program> {
    const key = signature(spec);
    const cached = this.#programs.get(key);
    this.#programs.delete(key);
    const entry = cached ?? this.#begun(key, spec, compile);
    this.#programs.set(key, entry);
    if (!cached) entry.program.catch(() => this.#programs.delete(key));
    await this.#evict();
    return entry.program;
  }

  #begun(key: string, spec: ProgramSpec, compile: (onDispose: () => void) => Promise<Program>): Entry {
    const made = this.#makeRoom(key, { spec, keptBytes: 0 }).then(() => compile(() => this.#programs.delete(key)));
    const entry: Entry = {
      spec,
      keptBytes: 0,
      // What it keeps is known once it is compiled, and taken by its first run.
      program: made.then(async (program) => {
        entry.keptBytes = program.keptBytes ?? 0;
        await this.#makeRoom(key, entry);
        return program;
      }),
    };
    return entry;
  }

  /** Disposes of programs, those used longest ago first, until `held` fits beside the rest: before it takes anything. */
  async #makeRoom(own: string, held: Held): Promise<void> {
    const excessWithout = (key: string): number => {
      const others = [...this.#programs].filter(([other]) => other !== own && other !== key);
      return this.#excess([...others.map(([, entry]) => entry), held]);
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
