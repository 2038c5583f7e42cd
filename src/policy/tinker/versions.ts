/**
 * The versions that the server has: weights to sample with, and a state (weights and moments) to continue from. A server
 * may sample only with weights whose model is loaded, so the session that made a version stays as long as the version.
 */

export interface Stored {
  /** The session that made it. */
  readonly by: object;
  /** `tinker://` path of the weights to sample with. */
  readonly weights: string;
  /** `tinker://` path of the state. */
  readonly state: string;
}

interface Held extends Stored {
  holds: number;
  /** Whether a checkpoint names the state, which then stays. */
  isNamed: boolean;
}

export class Versions {
  readonly #versions = new Map<number, Held>();
  readonly #drop: (path: string) => void;
  #current = -1;

  /** @param drop called with each path that is not needed any more. */
  constructor(drop: (path: string) => void) {
    this.#drop = drop;
  }

  /** Whether a version is there that `maker` made. */
  has(maker: object): boolean {
    return [...this.#versions.values()].some(({ by }) => by === maker);
  }

  /** The newest version; -1 before the first. */
  get current(): number {
    return this.#current;
  }

  add(n: number, stored: Stored): void {
    const before = this.#current;
    this.#versions.set(n, { ...stored, holds: this.#versions.get(n)?.holds ?? 0, isNamed: false });
    this.#current = n;
    if (before !== n) this.#dropUnheld(before);
  }

  /** @throws RangeError */
  get(n: number): Stored {
    return this.#held(n);
  }

  /** A checkpoint names the state of version `n`. */
  name(n: number): void {
    this.#held(n).isNamed = true;
  }

  retain(n: number): void {
    this.#held(n).holds += 1;
  }

  release(n: number): void {
    const version = this.#held(n);
    if (version.holds === 0) throw new RangeError(`version ${n} was released more often than retained`);
    version.holds -= 1;
    this.#dropUnheld(n);
  }

  #held(n: number): Held {
    const version = this.#versions.get(n);
    if (!version) throw new RangeError(`version ${n} is gone`);
    return version;
  }

  #dropUnheld(n: number): void {
    const version = this.#versions.get(n);
    if (!version || n === this.#current || version.holds > 0) return;
    this.#versions.delete(n);
    this.#drop(version.weights);
    if (!version.isNamed) this.#drop(version.state);
  }
}
