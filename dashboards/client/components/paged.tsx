/** Lists that load page by page, newest first. */
import './answers.css';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { connection } from '../session.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the next page; null at the end. */
  readonly next: number | null;
}

export interface Paged<T> {
  /** Undefined until the first page has loaded. */
  readonly items: readonly T[] | undefined;
  readonly more: boolean;
  readonly loading: boolean;
  readonly error: Error | undefined;
  /** Requests the next page, or retries a failed one. */
  readonly older: () => void;
  /** Starts over with the newest page. */
  readonly again: () => void;
}

interface State<T> {
  readonly key: string;
  readonly items: readonly T[] | undefined;
  readonly next: number | null;
  readonly loading: boolean;
  readonly error: Error | undefined;
}

/** Starts over when `key` changes and after missed updates; the old rows stay visible until the answer arrives. */
export function usePaged<T>(key: string, ask: (before: number | undefined) => Promise<Page<T>>): Paged<T> {
  const [state, setState] = useState<State<T>>({ key, items: undefined, next: null, loading: true, error: undefined });
  const turn = useRef(0);
  const newest = useRef({ ask, key, state });
  newest.current = { ask, key, state };
  const load = useCallback((before: number | undefined) => {
    const mine = ++turn.current;
    const { ask, key } = newest.current;
    setState((old) => ({
      ...old,
      ...(old.key === key ? {} : { key, items: undefined, next: null }),
      loading: true,
      error: undefined,
    }));
    ask(before).then(
      ({ items, next }) => {
        if (mine !== turn.current) return;
        setState((old) => ({
          key,
          items: before === undefined ? items : [...(old.items ?? []), ...items],
          next,
          loading: false,
          error: undefined,
        }));
      },
      (error: Error) => mine === turn.current && setState((old) => ({ ...old, loading: false, error })),
    );
  }, []);
  const again = useCallback(() => load(undefined), [load]);
  useOpen(again, key);
  const older = useCallback(() => {
    const { items, next, loading } = newest.current.state;
    if (loading) return;
    if (items === undefined) load(undefined);
    else if (next !== null) load(next);
  }, [load]);
  const mine = state.key === key;
  return {
    items: mine ? state.items : undefined,
    more: mine && state.next !== null,
    loading: !mine || state.loading,
    error: mine ? state.error : undefined,
    older,
    again,
  };
}

/**
 * Calls `load` as soon as a connection is open, then when `key` changes and after missed updates.
 */
export function useOpen(load: () => void, key: string): void {
  useEffect(() => {
    let open = connection.state.get().type === 'open';
    if (open) load();
    const resync = connection.onResync(load);
    const first = connection.state.subscribe(() => {
      if (open || connection.state.get().type !== 'open') return;
      open = true;
      load();
    });
    return () => {
      resync();
      first();
    };
  }, [load, key]);
}

/** A button that presses itself when it scrolls into view. */
export function Older({
  paged,
  children,
}: {
  readonly paged: Pick<Paged<unknown>, 'more' | 'loading' | 'error' | 'older'>;
  readonly children: string;
}) {
  const button = useRef<HTMLButtonElement>(null);
  const { more, loading, error, older } = paged;
  useEffect(() => {
    if (!more || loading || error !== undefined || button.current === null) return;
    const watch = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && older(),
      { rootMargin: '400px' },
    );
    watch.observe(button.current);
    return () => watch.disconnect();
  }, [more, loading, error, older]);
  if (!more) return null;
  return (
    <div class="older">
      {error === undefined ? null : (
        <p class="field-error" role="alert">
          {error.message}
        </p>
      )}
      <button ref={button} type="button" class="button" disabled={loading} onClick={older}>
        {loading ? 'Loading …' : error === undefined ? children : 'Try again'}
      </button>
    </div>
  );
}
