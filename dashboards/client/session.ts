/** This page's connection, and the hooks through which components use it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { cell, useCell } from './cell.ts';
import { connect, type ConnectionState, type Update } from './connection.ts';
import type { Access, Live, Method, Requests } from '../../src/protocol/frames.ts';

export const connection = connect(
  `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${location.pathname.replace(/[^/]*$/, '')}ws`,
);

export function useConnectionState(): ConnectionState {
  return useCell(connection.state);
}

/** This browser's access; null until it is known. */
export function useAccess(): Access | null {
  return useCell(connection.access);
}

/**
 * Returns `select` of the newest status, `undefined` before the first. Redraws only when the result changes (`same`).
 */
export function useLive<S>(
  select: (live: Live) => S,
  same?: (a: S | undefined, b: S | undefined) => boolean,
): S | undefined {
  return useCell(connection.live, (live) => (live === null ? undefined : select(live)), same);
}

/** Calls the newest `listener` with every update while the component is mounted. */
export function useUpdates(listener: (update: Update) => void): void {
  const newest = useRef(listener);
  newest.current = listener;
  useEffect(() => connection.onUpdate((update) => newest.current(update)), []);
}

export interface Asked<T> {
  /** The last answer; kept during a new request and if that fails. */
  readonly value: T | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  readonly again: () => void;
}

/**
 * Requests when the component appears, when `method` or `params` change, and after missed updates. It never returns
 * the answer to older `params`. `null` params send no request.
 */
export function useRequest<M extends Method>(
  method: M,
  params: Requests[M]['params'] | null,
): Asked<Requests[M]['value']> {
  type Value = Requests[M]['value'];
  const key = params === null ? null : `${method} ${JSON.stringify(params)}`;
  const [state, setState] = useState<{ key: string | null; value?: Value; error?: Error; loading: boolean }>({
    key: null,
    loading: false,
  });
  const asked = useRef(0);
  const newest = useRef({ key, params });
  newest.current = { key, params };
  const again = useCallback(() => {
    const { key: wanted, params: what } = newest.current;
    if (wanted === null || what === null) return;
    const turn = ++asked.current;
    setState((old) => (old.key === wanted ? { ...old, loading: true } : { key: wanted, loading: true }));
    connection.request(method, what).then(
      (value) => turn === asked.current && setState({ key: wanted, value, loading: false }),
      (error: Error) => turn === asked.current && setState((old) => ({ ...old, key: wanted, error, loading: false })),
    );
  }, [method]);
  useEffect(() => {
    if (connection.state.get().type === 'open') again();
    const resync = connection.onResync(again);
    // The first hello must not count as a resync.
    let open = connection.state.get().type === 'open';
    const first = connection.state.subscribe(() => {
      if (!open && connection.state.get().type === 'open') {
        open = true;
        again();
      }
    });
    return () => {
      asked.current += 1;
      resync();
      first();
    };
  }, [key, again]);
  const mine = state.key === key;
  return {
    value: mine ? state.value : undefined,
    error: mine ? state.error : undefined,
    loading: key !== null && (!mine || state.loading),
    again,
  };
}

/** Text for screen readers, in one polite live region for the whole page. */
export const announcement = cell('');

export function announce(text: string): void {
  announcement.set(text);
}
