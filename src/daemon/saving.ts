/** Versions to disk: checkpoints that a restart goes on from, the best version, and `model`, the link that always names the newest. */
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { withDeadline } from '../../actors/deadline.ts';
import type { Telemetry } from '../../streams/telemetry.ts';
import type { Config } from '../config/schema.ts';
import type { OpenRun } from './open-run.ts';

export class Saving {
  readonly #run: OpenRun;
  readonly #config: Pick<Config, 'checkpoints' | 'timeouts'>;
  readonly #telemetry: Telemetry;

  constructor(run: OpenRun, config: Pick<Config, 'checkpoints' | 'timeouts'>, telemetry: Telemetry) {
    this.#run = run;
    this.#config = config;
    this.#telemetry = telemetry;
  }

  /** The link to the newest checkpoint. */
  get modelFolder(): string {
    return join(this.#run.folder.path, 'model');
  }

  /** @throws InputError on a full disk, TimeoutError. */
  async checkpoint(n: number): Promise<void> {
    const { checkpoints, store, policy } = this.#run;
    const { folder } = await this.#within(`saving version ${n}`, () => checkpoints.save(n, (draft) => policy.save(n, draft)));
    const { replayFloor } = await checkpoints.prune(this.#config.checkpoints.keepLast);
    store.setReplayFloor(replayFloor);
    this.#pointTo(folder);
    this.#telemetry.saved(n);
  }

  async best(n: number): Promise<void> {
    const { best, policy } = this.#run;
    await this.#within(`saving version ${n} as the best`, () => best.save(n, (draft) => policy.save(n, draft)));
    await best.prune(1);
  }

  async bestFolder(): Promise<string | null> {
    const { checkpoint } = await this.#run.best.newest();
    return checkpoint?.folder ?? null;
  }

  #within<T>(name: string, work: () => Promise<T>): Promise<T> {
    return withDeadline(name, this.#config.timeouts.saveSeconds, new AbortController().signal, work);
  }

  /** Atomic: a reader finds the old checkpoint or the new one. */
  #pointTo(folder: string): void {
    const next = `${this.modelFolder}.next`;
    rmSync(next, { force: true });
    symlinkSync(relative(this.#run.folder.path, folder), next, 'dir');
    renameSync(next, this.modelFolder);
  }
}
