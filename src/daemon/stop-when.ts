/**
 * `loop.stopWhen`: checks at the start that the run can measure the condition's metrics, and evaluates the condition
 * after each step and each evaluation.
 */
import { isEvaluated, isOfAnswers, isWithoutLabels, METRICS } from '../../streams/metrics.ts';
import { metricsIn, parseCondition, whyItHolds, type Condition, type Reading } from '../config/condition.ts';
import type { Config } from '../config/schema.ts';
import type { OpenedData } from '../data/open.ts';
import type { Plugin } from '../plugin/load.ts';
import { InputError } from '../protocol/errors.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import { standing } from '../store/standing.ts';
import type { Store } from '../store/store.ts';
import { countLabels } from './label-words.ts';

const NAME = '`loop.stopWhen`';
/** Measured only if the guardian may see labels. */
const LABELLED = 'guardian.canaryAccuracy';
/** Names that a condition may use in addition to those of stored metrics. */
const ALSO: Readonly<Record<string, string>> = {
  accuracy: 'another name of `greedy`',
  version: 'learner steps that the run has made, earlier starts included',
};

/** @throws InputError for a condition that cannot be read, or a metric that no run has. */
export function conditionOf({ loop: { stopWhen } }: Pick<Config, 'loop'>): Condition | undefined {
  if (stopWhen === null) return undefined;
  const condition = parseCondition(stopWhen, NAME);
  const names = Object.keys({ ...ALSO, ...METRICS });
  const unknown = metricsIn(condition).find((metric) => !names.includes(metric));
  if (unknown === undefined) return condition;
  throw new InputError(
    `${NAME} is ${JSON.stringify(stopWhen)}: there is no metric "${unknown}"; metrics are ${names.join(', ')}`,
  );
}

/** @throws InputError if the condition has a metric that this run never measures. */
export function refuseUnmeasured(
  config: Pick<Config, 'loop' | 'guardian'>,
  { heldOut, labels }: OpenedData,
  plugins: readonly Plugin[],
): void {
  const metrics = metricsIn(conditionOf(config) ?? []);
  const refuse = (metric: string, why: string) => {
    throw new InputError(
      `${NAME} is ${JSON.stringify(config.loop.stopWhen)}, but this run never measures ${metric}: ${why}`,
    );
  };
  const { mode, labelled } = config.guardian;
  const guarded = metrics.find((metric) => metric.startsWith('guardian.'));
  if (guarded !== undefined && mode === 'off')
    refuse(guarded, 'guardian.mode is "off"; set it to "watch", or use another metric');
  if (metrics.includes(LABELLED) && !labelled)
    refuse(LABELLED, 'guardian.labelled is false; set it to true, or use another metric');
  if (plugins.some(({ ports }) => ports.evaluate)) return;
  const { questions, labelled: answers } = countLabels({ heldOut, labels });
  const unlabelled = metrics.find(isWithoutLabels);
  if (unlabelled !== undefined && answers === questions) {
    refuse(
      unlabelled,
      questions === 0 ? 'no question is held out' : 'every held-out question has an answer in the data; use accuracy',
    );
  }
  const answered = metrics.find((metric) => metric === 'accuracy' || metric === LABELLED || isOfAnswers(metric));
  if (answered === undefined || answers > 0) return;
  const why = questions === 0 ? 'no question is held out' : 'no held-out question has an answer in the data';
  refuse(
    answered,
    `${why}; use a metric that needs none: 'voteShare >= 0.9', 'entropy < 0.1' or 'guardian.agreement < 0.8'`,
  );
}

/** Undefined without a condition. Measurements of earlier starts count. */
export function stopWhenOf(config: Pick<Config, 'loop'>, store: Store): StopWhen | undefined {
  const condition = conditionOf(config);
  return (
    condition &&
    new StopWhen(condition, store, { learnt: store.latestVersion()?.n ?? 0, evaluated: standing(store).evaluated })
  );
}

/** Keeps the readings of a condition and tells whether it holds. */
export class StopWhen {
  readonly #condition: Condition;
  readonly #store: Pick<Store, 'metricRow'>;
  /** The newest reading of each metric. */
  readonly #readings = new Map<string, Reading>();
  #newestEvaluated = 0;

  /** @param known versions of the newest step and the newest evaluation when the run last stopped. */
  constructor(
    condition: Condition,
    store: Pick<Store, 'metricRow'>,
    known: { readonly learnt: number; readonly evaluated: number | null },
  ) {
    this.#condition = condition;
    this.#store = store;
    this.#learnt(known.learnt);
    if (known.evaluated !== null) this.#evaluated(known.evaluated);
  }

  /** Call after the event and the guardian's assessment of it are stored. */
  tell(event: LoopEvent): void {
    if (event.type === 'learnt') this.#learnt(event.version.n);
    if (event.type === 'evaluated') this.#evaluated(event.evaluation.version);
  }

  /** Why the condition holds; undefined while it does not. */
  get reason(): string | undefined {
    return whyItHolds(this.#condition, this.#readings);
  }

  #learnt(version: number): void {
    this.#readings.set('version', { value: version, version });
    this.#read(version, (metric) => !isEvaluated(metric));
  }

  /** Ignores evaluations of older versions, which a user may request. */
  #evaluated(version: number): void {
    if (version < this.#newestEvaluated) return;
    this.#newestEvaluated = version;
    this.#read(version, isEvaluated);
    const greedy = this.#readings.get('greedy');
    if (greedy) this.#readings.set('accuracy', greedy);
  }

  #read(version: number, isOfThese: (metric: string) => boolean): void {
    for (const [metric, value] of Object.entries(this.#store.metricRow(version))) {
      if (isOfThese(metric)) this.#readings.set(metric, { value, version });
    }
  }
}
