/** The guardian's durable state, as plain data. */
import { NEW_MONITOR, type MonitorState } from './monitor.ts';
import type { Recent, Sureness } from './probe.ts';
import type { Remedy } from './remedy.ts';
import type { GuardianStatus } from '../protocol/status.ts';

/** Durable values by name, as the store keeps them. */
export interface Memory {
  meta(key: string): unknown;
  setMeta(key: string, value: unknown): void;
}

/** Key of the guardian's state in the store. */
const KEY = 'loop.guardian';

/** A version on disk, and the settings that it was learnt with. */
export interface Trusted {
  readonly version: number;
  readonly learningRate: number;
  readonly temperature: number;
}

export interface GuardianState {
  readonly monitor: MonitorState;
  /** The confident answers of the base, of the monitor's reference and of its candidate. */
  readonly origin?: Sureness;
  readonly reference?: Sureness;
  readonly candidate?: Sureness | undefined;
  /** A sound probe of late, renewed each `everySteps` steps without a doubt: a fast loss is large in comparison with it. */
  readonly recent?: Recent | undefined;
  /** Versions on disk: the newest with healthy steps after it, and the next candidate. */
  readonly trusted: Trusted | null;
  readonly pending: Trusted | null;
  /** Newest checkpoint that was considered. */
  readonly looked: number;
  readonly tries: number;
  /** Minimum vote share, since the last roll-back. */
  readonly shareFloor: number;
  /** A decided remedy that is not done yet. */
  readonly remedy: Remedy | null;
  /** The reason for which learning stays paused. */
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

/** Trust in the newest versions: the level, and the version to roll back to. */
export function trustIn({ held, monitor, trusted }: GuardianState): Pick<GuardianStatus, 'level' | 'trusted'> {
  return { level: held === null ? monitor.level : 'hold', trusted: trusted?.version ?? null };
}

export function writeState(store: Pick<Memory, 'setMeta'>, state: GuardianState): void {
  store.setMeta(KEY, state);
}

/** Number of steps between writes when only means have changed. */
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
