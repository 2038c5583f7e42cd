/**
 * Assesses one reading after the other as healthy, watch or act. The level rises to watch at once, to act only on
 * lasting evidence, and falls only after a time without any. The state is plain data, so a restarted loop continues
 * with it.
 */
import { ACT, evidence, doubts, symptoms, WATCH, type Symptom } from './rules.ts';
import { type Signal, type Signals } from './signals.ts';
import { departures, NOTHING_USUAL, usualAfter, type Usual } from './usual.ts';

export type Level = 'healthy' | 'watch' | 'act';

/** The observations after one learner step. */
export interface Reading {
  readonly version: number;
  /** Signals of the step and of the groups judged since the previous one. */
  readonly signals: Signals;
  /** Signals of a probe that finished since the previous reading. */
  readonly probe?: Signals;
  /** Names of the step's non-finite metrics. */
  readonly notFinite?: readonly string[];
}

/** Signals at a version that stayed healthy for a time. */
export interface Reference {
  readonly version: number;
  readonly signals: Signals;
}

export interface MonitorState {
  readonly level: Level;
  /** Version at which the level was reached. */
  readonly since: number;
  /** Readings since the start, or since the last roll-back. */
  readonly readings: number;
  /** Readings in a row with enough evidence to act, and the probes among them. */
  readonly alarms: number;
  readonly probes: number;
  /** Readings in a row without enough evidence to watch, and those without any doubt. */
  readonly calm: number;
  readonly sound: number;
  /** Means over the last steps; for a probe's signals, the newest values. */
  readonly signals: Signals;
  readonly probe: Signals;
  readonly usual: Usual;
  /** Accumulated disagreement with the reference over its probes. */
  readonly eroded: number;
  /** The same of the fall of the share of responses that give what a recent version was sure of. */
  readonly fading: number;
  readonly reference: Reference | null;
  /** The next reference, if the run stays healthy. */
  readonly candidate: Reference | null;
  /** Rolled back, and nothing is trusted since: less evidence suffices. */
  readonly isWary: boolean;
}

export interface MonitorOptions {
  /** Readings in a row with evidence to act before the level becomes `act`. */
  readonly confirmSteps: number;
  /** Readings in a row without evidence, before a watch ends. */
  readonly calmSteps: number;
  /** Healthy steps that must follow a version before it is trusted. */
  readonly trustSteps: number;
}

export interface Assessment {
  readonly level: Level;
  /** Worst first. */
  readonly symptoms: readonly Symptom[];
  /** How soon the canaries should be asked. */
  readonly ask: 'now' | 'soon' | 'as usual';
}

export const NEW_MONITOR: MonitorState = {
  level: 'healthy',
  since: 0,
  readings: 0,
  alarms: 0,
  probes: 0,
  calm: 0,
  sound: 0,
  signals: {},
  probe: {},
  usual: NOTHING_USUAL,
  eroded: 0,
  fading: 0,
  reference: null,
  candidate: null,
  isWary: false,
};

/** Weight of the newest step in a mean. */
const FAST = 0.3;
/**
 * The most by which a step's KL counts above the mean: the estimate k3 = exp(d) - d - 1 of a single token can be in the
 * hundreds, and one such step would otherwise stay in the mean for a dozen. A lasting rise needs two steps to show.
 */
const KL_RISE = 0.5;
/**
 * Loss of agreement that a probe may show: healthy runs lose up to 0.033, or up to three canaries when there are few. A
 * larger loss adds up from probe to probe, a smaller one subtracts (cumulative sums: Page, Continuous inspection
 * schemes, Biometrika 1954), so several probes detect a loss that is too small for one.
 */
const ALLOWED_LOSS = 0.035;
const ALLOWED_CANARIES = 3;
/** A single bad probe is not a trend: what it adds is less than what suffices to act. */
const MOST_ADDED = 0.07;
/** The same for the fall of a share of responses, of which the largest share so far is the measure. */
const ALLOWED_FALL = 0.035;
const MOST_FALLEN = 0.05;
/** Number of readings whose mean is the first reference. */
const FIRST = 3;
/** Number of probes that probe-based evidence needs. */
const PROBES = 2;

export function observe(
  state: MonitorState,
  reading: Reading,
  options: MonitorOptions,
): { readonly state: MonitorState; readonly assessment: Assessment } {
  const readings = state.readings + 1;
  const signals = smoothed(state.signals, withoutTail(state.signals, reading.signals), Math.max(FAST, 1 / readings));
  const usual = usualAfter(state.usual, reading.signals, readings);
  const probe = reading.probe ?? state.probe;
  const slowShare = usual.mean.voteShare;
  const shareRate =
    slowShare === undefined || signals.voteShare === undefined ? {} : { shareRate: signals.voteShare - slowShare };
  const eroded = reading.probe === undefined ? state.eroded : Math.max(0, state.eroded + addedLoss(reading.probe));
  const fading = reading.probe === undefined ? state.fading : Math.max(0, state.fading + addedFall(reading.probe));
  const now: Signals = {
    ...signals,
    ...shareRate,
    ...probe,
    ...(probe.agreement === undefined ? {} : { erosion: eroded }),
    ...(probe.faded === undefined ? {} : { fading }),
  };
  const reference = state.reference ?? (readings < FIRST ? null : { version: reading.version, signals: now });
  const { notFinite = [] } = reading;
  const found = reference === null ? [] : symptoms(now, reference.signals, { notFinite, isWary: state.isWary });
  const doubtful = reference === null ? [] : doubts(now, reference.signals);
  const weight = evidence(found);
  const probed = reading.probe !== undefined && weight >= ACT;
  const base: MonitorState = {
    ...state,
    readings,
    signals,
    probe,
    usual,
    eroded,
    fading,
    reference,
    alarms: weight >= ACT ? state.alarms + 1 : 0,
    calm: weight < WATCH ? state.calm + 1 : 0,
    sound: reference !== null && weight < WATCH && doubtful.length === 0 ? state.sound + 1 : 0,
    probes: weight >= ACT ? state.probes + Number(probed) : 0,
  };
  const level = levelOf(base, found, options);
  const next = { ...base, level, since: level === state.level ? state.since : reading.version };
  return {
    state: trusting(next, { version: reading.version, signals: now }, options),
    assessment: { level, symptoms: found, ask: urgency(next, weight, doubtful) },
  };
}

/** Agreement with the base falls slowly in healthy runs as well, so doubt of it alone is no reason to ask. */
function urgency(
  { level, isWary, signals, usual, readings }: MonitorState,
  weight: number,
  doubtful: readonly Signal[],
): Assessment['ask'] {
  if (weight >= WATCH) return 'now';
  const isDoubted = doubtful.some((signal) => signal !== 'origin');
  return level !== 'healthy' || isWary || isDoubted || departures(signals, usual, readings).length > 0
    ? 'soon'
    : 'as usual';
}

/** Negative when the loss is below the allowance. */
function addedLoss({ agreement, sureOf = Number.POSITIVE_INFINITY }: Signals): number {
  return agreement === undefined
    ? 0
    : Math.min(MOST_ADDED, 1 - agreement - Math.max(ALLOWED_LOSS, ALLOWED_CANARIES / sureOf));
}

function addedFall({ faded }: Signals): number {
  return faded === undefined ? 0 : Math.min(MOST_FALLEN, faded - ALLOWED_FALL);
}

function levelOf(state: MonitorState, found: readonly Symptom[], { confirmSteps, calmSteps }: MonitorOptions): Level {
  const broken = found.some(({ signal }) => signal === 'finite'); // a weight that becomes NaN stays NaN
  const eroded = found.some(({ signal, severity }) => signal === 'erosion' && severity === 2); // added up over probes
  const confirmed =
    state.probes >= (eroded ? 1 : PROBES) ||
    (state.alarms >= confirmSteps && evidence(found.filter(notOfProbe)) >= ACT);
  if (broken || confirmed) return 'act';
  if (evidence(found) >= WATCH) return state.level === 'act' ? 'act' : 'watch';
  return state.level === 'healthy' || state.calm >= calmSteps ? 'healthy' : state.level;
}

const OF_PROBES: ReadonlySet<Symptom['signal']> = new Set<Signal>([
  'agreement',
  'recent',
  'faded',
  'fading',
  'erosion',
  'origin',
  'consistency',
  'canaryAccuracy',
  'canaryTokens',
  'unsound',
]);
const notOfProbe = ({ signal }: Symptom): boolean => !OF_PROBES.has(signal);

/**
 * A healthy reading becomes the reference after enough healthy steps; the present reading then becomes the candidate.
 */
function trusting(state: MonitorState, now: Reference, { trustSteps }: MonitorOptions): MonitorState {
  const { candidate } = state;
  if (candidate !== null && isTrusted(state, candidate.version, now.version, trustSteps)) {
    return { ...state, reference: candidate, candidate: now, eroded: 0, isWary: false };
  }
  return state.level === 'healthy' && candidate === null && state.reference !== null
    ? { ...state, candidate: now }
    : state;
}

/** Whether `trustSteps` healthy steps have followed version `version`, without any doubt until now. */
export function isTrusted(
  state: Pick<MonitorState, 'level' | 'sound'>,
  version: number,
  now: number,
  trustSteps: number,
): boolean {
  return state.level === 'healthy' && now >= version + trustSteps && state.sound >= trustSteps;
}

/** The state after a roll-back to a trusted version: its state then, at level watch, and wary. */
export function rolledBack(state: MonitorState, as: number): MonitorState {
  const { reference } = state;
  return { ...NEW_MONITOR, level: 'watch', since: as, reference, isWary: true };
}

function withoutTail(before: Signals, now: Signals): Signals {
  const { kl } = now;
  return kl === undefined || before.kl === undefined ? now : { ...now, kl: Math.min(kl, before.kl + KL_RISE) };
}

function smoothed(before: Signals, now: Signals, weight: number): Signals {
  const names = Object.keys({ ...before, ...now }) as Signal[];
  return Object.fromEntries(
    names.map((name) => {
      const [old, fresh] = [before[name], now[name]];
      if (fresh === undefined || !Number.isFinite(fresh)) return [name, old];
      return [name, old === undefined ? fresh : old + weight * (fresh - old)];
    }),
  );
}

/** The reasons of an assessment in one line; empty without reasons. */
export function reasons({ symptoms: found }: Assessment): string {
  return found.map(({ words }) => words).join('; ');
}
