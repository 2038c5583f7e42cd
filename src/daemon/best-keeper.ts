/** Keeps the best version on disk, and in memory if the end of the run reports its full accuracy. */
import type { Config } from '../config/schema.ts';
import type { Learner } from '../policy/learner.ts';
import type { Place } from './place.ts';
import type { Saving } from './saving.ts';

export interface BestKeeperParts {
  readonly place: Pick<Place, 'write'>;
  readonly saving: Pick<Saving, 'best'>;
  readonly policy: Pick<Learner, 'retain' | 'release'>;
  readonly loop: Pick<Config['loop'], 'steps' | 'stopWhen'>;
  readonly reports: boolean;
}

export class BestKeeper {
  readonly #parts: BestKeeperParts;
  #retained: number | undefined;

  constructor(parts: BestKeeperParts) {
    this.#parts = parts;
  }

  /** The best version of this process whose weights are in memory. */
  get retained(): number | undefined {
    return this.#retained;
  }

  async keep(n: number): Promise<void> {
    const { place, saving, policy, loop, reports } = this.#parts;
    await place.write(() => saving.best(n));
    if (loop.steps === null && loop.stopWhen === null && !reports) return;
    policy.retain(n);
    if (this.#retained !== undefined) policy.release(this.#retained);
    this.#retained = n;
  }
}
