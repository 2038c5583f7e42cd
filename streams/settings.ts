/**
 * Settings that change while the loop runs. A change takes effect at a place in the durable order of the work, not at a
 * moment: how to sample and how stale a group may get from an admission on, the learning rate from a batch on. So a
 * restart repeats work with its original settings, and the same store leads to the same weights.
 */
import { LIVE_PATHS, liveValues, type LivePath, type LiveValues } from '../src/config/live.ts';
import type { Config } from '../src/config/schema.ts';
import type { Batch, StepSettings } from '../src/protocol/messages.ts';
import type { Store } from '../src/store/store.ts';

const KEY = 'loop.settings';

interface Change {
  /** First admission and first batch that it applies to. */
  readonly sequence: number;
  readonly batch: number;
  /** Version at which it was made. */
  readonly version: number;
  readonly values: LiveValues;
  /** The configuration's value at that time: if it differs now, the configuration is newer and wins. */
  readonly configured: LiveValues;
}

type SettingsStore = Pick<
  Store,
  'meta' | 'setMeta' | 'nextSequence' | 'nextBatchId' | 'latestVersion' | 'batchesSince'
>;

export class Settings {
  readonly configured: LiveValues;
  readonly #store: SettingsStore;
  /** Oldest first, never empty. */
  #changes: readonly Change[];

  constructor(store: SettingsStore, config: Pick<Config, 'sampling' | 'learner' | 'loop'>) {
    this.#store = store;
    this.configured = liveValues(config);
    this.#changes = (store.meta(KEY) as readonly Change[] | undefined) ?? [];
    const last = this.#changes.at(-1);
    if (last === undefined) {
      this.#keep([{ sequence: 0, batch: 0, version: 0, values: this.configured, configured: this.configured }]);
      return;
    }
    const newest = (path: LivePath) =>
      this.configured[path] === last.configured[path] ? last.values[path] : this.configured[path];
    // A batch without a version yet takes the new rate: otherwise a step that fails with the old rate would block the
    // loop.
    const unlearnt = store.batchesSince(store.latestVersion()?.n ?? 0)[0];
    this.#append(Object.fromEntries(LIVE_PATHS.map((path) => [path, newest(path)])) as LiveValues, unlearnt?.id);
  }

  /** What holds for the next admission and the next batch. */
  get now(): LiveValues {
    return this.#changes.at(-1)!.values;
  }

  /** Durable. The caller sees to it that no admission is under way. */
  set(path: LivePath, value: number): void {
    this.#append({ ...this.now, [path]: value });
  }

  samplingOf(sequence: number): { readonly temperature: number; readonly samples: number } {
    const { values } = this.#changes.findLast((change) => change.sequence <= sequence)!;
    return { temperature: values['sampling.temperature'], samples: values['sampling.samples'] };
  }

  /** What a batch is learnt with; its groups were all sampled in the same way (`cuts`). */
  stepOf({ id, groups }: Pick<Batch, 'id' | 'groups'>): StepSettings {
    const { values } = this.#changes.findLast(({ batch }) => batch <= id)!;
    return {
      learningRate: values['learner.learningRate'],
      temperature: this.samplingOf(groups[0]!.group.sequence).temperature,
    };
  }

  /** The largest staleness that a group of sequence number `sequence` or later may reach. */
  maxStalenessFrom(sequence: number): number {
    const first = this.#changes.findLastIndex((change) => change.sequence <= sequence);
    return Math.max(...this.#changes.slice(first).map(({ values }) => values['loop.maxStaleness']));
  }

  /** Sequence numbers in `after + 1 ..= upTo` at which the way of sampling changes: no batch may span one. */
  cuts(after: number, upTo: number): readonly number[] {
    const found = new Set<number>();
    for (const { sequence } of this.#changes.slice(1)) {
      if (sequence <= after || sequence > upTo) continue;
      const [before, from] = [this.samplingOf(sequence - 1), this.samplingOf(sequence)];
      if (before.temperature !== from.temperature || before.samples !== from.samples) found.add(sequence);
    }
    return [...found];
  }

  /** Drops settings that neither a replay from version `floor` nor a group after `through` can need. */
  forget(floor: number, through: number): void {
    const needed = this.#changes.findLastIndex(({ version, sequence }) => version < floor && sequence <= through + 1);
    if (needed > 0) this.#keep(this.#changes.slice(needed));
  }

  #append(values: LiveValues, batch = this.#store.nextBatchId): void {
    const { nextSequence: sequence } = this.#store;
    const version = this.#store.latestVersion()?.n ?? 0;
    const last = this.#changes.at(-1)!;
    const same = (a: LiveValues, b: LiveValues) => LIVE_PATHS.every((path) => a[path] === b[path]);
    if (same(values, last.values) && same(this.configured, last.configured)) return;
    const overwritten = last.sequence === sequence && last.batch === batch; // nothing has used it yet
    const change: Change = { sequence, batch, version, values, configured: this.configured };
    this.#keep([...(overwritten ? this.#changes.slice(0, -1) : this.#changes), change]);
  }

  #keep(changes: readonly Change[]): void {
    this.#changes = changes;
    this.#store.setMeta(KEY, changes);
  }
}
