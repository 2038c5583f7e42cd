/** What the guardian knows, as plain data that outlives the process. */
import { NEW_MONITOR, type MonitorState } from './monitor.ts';
import type { Sureness } from './probe.ts';
import type { Remedy } from './remedy.ts';
import type { GuardianStatus } from '../protocol/status.ts';

/** Values by name that outlive the process, as the store keeps them. */
export interface Memory {
  meta(key: string): unknown;
  setMeta(key: string, value: unknown): void;
}

/** Where a stored loop keeps what the guardian knows. */
const KEY = 'loop.guardian';

/** A version on disk, and what it was learnt with. */
export interface Trusted {
  readonly version: number;
  readonly learningRate: number;
  readonly temperature: number;
}

export interface GuardianState {
  readonly monitor: MonitorState;
  /** What the base, the monitor's reference and its candidate were sure of. */
  readonly origin?: Sureness;
  readonly reference?: Sureness;
  readonly candidate?: Sureness | undefined;
  /** Versions on disk: the newest that healthy steps followed, and the next candidate. */
  readonly trusted: Trusted | null;
  readonly pending: Trusted | null;
  /** Checkpoints up to this one were looked at. */
  readonly looked: number;
  readonly tries: number;
  /** Floor under the vote share, since the last roll-back. */
  readonly shareFloor: number;
  /** What was decided and is not done yet. */
  readonly remedy: Remedy | null;
  /** Why learning stays paused. */
  readonly held: string | null;
}

const NEW: GuardianState = {
  monitor: NEW_MONITOR,
  trusted: null,
  pending: null,
  looked: -1,
  tries: 0,
  shareFloor: 0,
  remedy: null,
  held: null,
};

/** Versions that must stay on disk for the guardian. */
export function guardedVersions(store: Pick<Memory, 'meta'>): readonly number[] {
  const { trusted, pending, remedy: decided } = readState(store);
  return [trusted?.version, pending?.version, decided?.to].filter((version) => typeof version === 'number');
}

export function readState(store: Pick<Memory, 'meta'>): GuardianState {
  const stored = store.meta(KEY) as Partial<GuardianState> | undefined;
  return { ...NEW, ...stored, monitor: { ...NEW_MONITOR, ...stored?.monitor } };
}

/** How far the newest versions are trusted: the level, and the version to go back to. */
export function trustIn({ held, monitor, trusted }: GuardianState): Pick<GuardianStatus, 'level' | 'trusted'> {
  return { level: held === null ? monitor.level : 'hold', trusted: trusted?.version ?? null };
}

export function writeState(store: Pick<Memory, 'setMeta'>, state: GuardianState): void {
  store.setMeta(KEY, state);
}

/** Steps between which nothing but means has changed are not worth a write each. */
const WRITE_EVERY = 10;

/** Whether `b` is worth a write where `a` is stored. */
export function differs(a: GuardianState, b: GuardianState): boolean {
  const { monitor: before, ...restBefore } = a;
  const { monitor, ...rest } = b;
  if (
    monitor.level !== before.level ||
    monitor.readings >= before.readings + WRITE_EVERY ||
    monitor.readings < before.readings
  )
    return true;
  return Object.keys({ ...restBefore, ...rest }).some(
    (key) => restBefore[key as keyof typeof restBefore] !== rest[key as keyof typeof rest],
  );
}
