/**
 * Saves versions to disk and restores them: checkpoints from which a restart continues, the best version, and `model`,
 * the link to the newest.
 */
import { withDeadline } from '../lib/deadline.ts';
import { guardedVersions } from '../guardian/state.ts';
import { forgetRollbacks, rollbacks } from '../../streams/rollback.ts';
import type { Settings } from '../../streams/settings.ts';
import type { Listener } from '../../streams/listener.ts';
import { THROUGH } from '../../streams/loop.ts';
import type { Config } from '../config/schema.ts';
import { InputError } from '../protocol/errors.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { serial } from '../lib/serial.ts';
import { Checkpoints } from '../store/checkpoints.ts';
import type { Absence } from '../store/presence.ts';
import { markSaved, standing } from '../store/standing.ts';
import { modelLink, pointModelTo } from '../store/run-folder.ts';
import type { OpenRun } from './open-run.ts';

/** Retries of a save whose thread ended, hung, or held other numbers than it was given. */
const RETRIES = 2;

export class Saving {
  readonly #run: OpenRun;
  readonly #config: Pick<Config, 'checkpoints' | 'timeouts'>;
  readonly #telemetry: Listener;
  readonly #settings: Settings;
  /** Versions that are about to be loaded and must stay on disk. */
  readonly #held = new Set<number>();
  /** Saves one version at a time, because each save prunes older ones. */
  readonly #inTurn = serial();
  #rescued: { readonly version: number; readonly folder: string } | undefined;

  constructor(run: OpenRun, config: Pick<Config, 'checkpoints' | 'timeouts'>, telemetry: Listener, settings: Settings) {
    this.#run = run;
    this.#config = config;
    this.#telemetry = telemetry;
    this.#settings = settings;
  }

  /** The link to the newest checkpoint; if the run folder is gone, the checkpoint written elsewhere. */
  get modelFolder(): string {
    return this.#rescued?.folder ?? modelLink(this.#run.folder);
  }

  /** Newest version on disk; if the run folder is gone, the version written elsewhere. */
  get newest(): number | null {
    return this.#rescued?.version ?? standing(this.#run.store).saved;
  }

  /** @throws InputError on a full disk, TimeoutError. */
  checkpoint(n: number): Promise<void> {
    return this.#inTurn(async () => {
      const {
        checkpoints,
        store,
        policy: { learner },
      } = this.#run;
      this.#refuseAbsent(`version ${n} cannot be saved`);
      const { folder } = await this.#written(`saving version ${n}`, () =>
        checkpoints.save(n, (draft) => learner.save(n, draft)),
      );
      const pinned = [...this.#held, ...rollbacks(store).map(({ from }) => from), ...guardedVersions(store)];
      const { replayFloor } = await checkpoints.prune(this.#config.checkpoints.keepLast, pinned);
      store.setReplayFloor(replayFloor);
      forgetRollbacks(store, replayFloor);
      this.#settings.forget(replayFloor, (store.meta(THROUGH) as number | undefined) ?? -1);
      pointModelTo(this.#run.folder, folder);
      store.transaction(() => {
        store.event('checkpoint', { version: n });
        markSaved(store, n);
      });
      this.#telemetry.saved(n);
    });
  }

  best(n: number): Promise<void> {
    return this.#inTurn(async () => {
      const {
        best,
        policy: { learner },
        store,
      } = this.#run;
      this.#refuseAbsent(`version ${n} cannot be saved as the best`);
      await this.#written(`saving version ${n} as the best`, () => best.save(n, (draft) => learner.save(n, draft)));
      await best.prune(1, [...this.#held]);
      store.event('checkpoint', { version: n, best: true });
    });
  }

  /**
   * At the end of a run whose folder or database is gone: saves version `n` in the remaining folder, or under the
   * folder's old name with the suffix `.rescued`.
   * @returns a message for the user.
   */
  async rescue(n: number, { part, text }: Absence): Promise<string> {
    const { path } = this.#run.folder;
    const place = part === 'database' ? this.#run.checkpoints : Checkpoints.at(`${path}.rescued`);
    try {
      if (part === 'folder') makeFolder(place.folder, 0o700);
      const { folder } = await this.#written(`saving version ${n}`, () =>
        place.save(n, (draft) => this.#run.policy.learner.save(n, draft)),
      );
      this.#telemetry.saved(n);
      this.#rescued = { version: n, folder };
      const rest =
        part === 'database'
          ? 'with --begin-again, which makes it the base of a new chain of versions'
          : `a new run from it: --model ${folder}`;
      return `${text} while the daemon ran. Version ${n} is saved in ${folder}. Put back what was there, if you moved it, and start again; or start ${rest}`;
    } catch (error) {
      return `${text} while the daemon ran, and version ${n} could not be saved elsewhere: ${(error as Error).message}`;
    }
  }

  async bestFolder(): Promise<string | null> {
    const { checkpoint } = await this.#run.best.newest();
    return checkpoint?.folder ?? null;
  }

  /** Versions on disk now. */
  saved(): ReadonlySet<number> {
    return new Set(this.#places.flatMap((place) => [...place.versionsNow()]));
  }

  /** Null when the version is not on disk. */
  folderOf(n: number): string | null {
    return this.#places.find((place) => place.versionsNow().includes(n))?.folderOf(n) ?? null;
  }

  /** Keeps version `n` on disk while `work` runs. @throws InputError when it is not on disk. */
  async holding<T>(n: number, work: () => Promise<T>): Promise<T> {
    if (this.folderOf(n) === null) {
      const there = [...this.saved()].toSorted((a, b) => a - b).join(', ');
      throw new InputError(`version ${n} is not on disk; on disk are ${there || 'none'}`);
    }
    this.#held.add(n);
    try {
      return await work();
    } finally {
      this.#held.delete(n);
    }
  }

  /** Loads version `from` as the new newest version `as`. @throws InputError when it is not on disk or damaged. */
  async restore(from: number, as: number): Promise<void> {
    const place = this.#places.find((each) => each.versionsNow().includes(from)) ?? this.#run.checkpoints;
    const { folder } = await place.verify(from);
    await this.#run.policy.learner.restore(folder, from, as);
  }

  #refuseAbsent(what: string): void {
    const absence = this.#run.presence.absence();
    if (absence) throw new InputError(`${what}: ${absence.text}`);
  }

  get #places(): readonly Checkpoints[] {
    return [this.#run.checkpoints, this.#run.best];
  }

  /** Retries a save whose thread died, because no actor supervises it. A disk error is not retried. */
  async #written<T>(name: string, work: () => Promise<T>): Promise<T> {
    for (let retries = 0; ; retries += 1) {
      try {
        return await withDeadline(name, this.#config.timeouts.saveSeconds, undefined, work);
      } catch (error) {
        if (retries === RETRIES || error instanceof InputError) throw error;
        const reason = (error as Error).message;
        this.#run.store.event('save.repeated', { doing: name, reason });
        this.#telemetry.note(`${name}, once more: ${reason}`);
      }
    }
  }
}
