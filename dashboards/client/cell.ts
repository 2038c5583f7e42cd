/**
 * State outside components: a value, its subscribers, and the hook that redraws a component when its selection changes.
 */
import { useEffect, useReducer, useRef } from 'preact/hooks';

export interface Cell<T> {
  get(): T;
  set(value: T): void;
  /** Calls `changed` after each change; returns the function that unsubscribes. */
  subscribe(changed: () => void): () => void;
}

export function cell<T>(initial: T): Cell<T> {
  let value = initial;
  const watchers = new Set<() => void>();
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(next, value)) return;
      value = next;
      for (const changed of watchers) changed();
    },
    subscribe: (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
  };
}

/** Returns `select` of the cell's value. Pass `same` if `select` makes a new object each time. */
export function useCell<T>(source: Cell<T>): T;
export function useCell<T, S>(source: Cell<T>, select: (value: T) => S, same?: (a: S, b: S) => boolean): S;
export function useCell<T>(
  source: Cell<T>,
  select: (value: T) => unknown = identity,
  same: (a: unknown, b: unknown) => boolean = Object.is,
): unknown {
  const [, draw] = useReducer((drawn: number, by: number) => drawn + by, 0);
  const shown = useRef<unknown>(undefined);
  const selector = useRef(select);
  selector.current = select;
  const next = select(source.get());
  if (shown.current === undefined || !same(shown.current, next)) shown.current = next;
  useEffect(() => {
    const check = () => {
      if (!same(shown.current, selector.current(source.get()))) draw(1);
    };
    check();
    return source.subscribe(check);
  }, [source]);
  return shown.current;
}

function identity<T>(value: T): T {
  return value;
}

/** Equality for `useCell` with lists and flat objects. */
export function shallowSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return left.length === Object.keys(b).length && left.every(([key, value]) => Object.is(value, right[key]));
}
