/**
 * The groups in the stream: stored groups page by page, and new groups on top as they are judged. Its length is
 * bounded.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { GroupCard, GroupFilter } from '../../../src/protocol/frames.ts';
import { useOpen } from '../components/paged.tsx';
import { connection, useUpdates } from '../session.ts';
import { matches } from './rollouts-filter.tsx';

const PAGE = 30;
/** Most cards while new ones arrive on top. */
const LIVE = 60;
/** Most cards after scrolling down; beyond this a new list begins. */
export const LONGEST = 480;
/** New cards appear in batches at this interval, because single ones would pass too fast to read. */
const FLUSH_MILLISECONDS = 1000;

interface State {
  readonly key: string;
  /** Newest first; undefined until the first answer. */
  readonly groups: readonly GroupCard[] | undefined;
  /** Sequence number that starts the next page; null at the end. */
  readonly next: number | null;
  readonly loading: boolean;
  readonly error: Error | undefined;
}

export interface Stream extends Omit<State, 'key'> {
  readonly more: boolean;
  readonly full: boolean;
  /** Number of new cards held back. */
  readonly waiting: number;
  readonly older: () => void;
  readonly again: () => void;
  /** Shows the cards held back. */
  readonly release: () => void;
}

/** @param before shows only older groups than this, and no new ones. @param held whether to hold new cards back now. */
export function useStream(filter: GroupFilter, before: number | undefined, held: () => boolean): Stream {
  const key = JSON.stringify([filter, before]);
  const [state, setState] = useState<State>({ key, groups: undefined, next: null, loading: true, error: undefined });
  const [waiting, setWaiting] = useState(0);
  const buffer = useRef<GroupCard[]>([]);
  const turn = useRef(0);
  const newest = useRef({ filter, before, key, state, held });
  newest.current = { filter, before, key, state, held };

  const load = useCallback((from: number | undefined, more: boolean) => {
    const mine = ++turn.current;
    const { filter, key } = newest.current;
    if (!more) buffer.current = [];
    setState((old) => ({
      ...(old.key === key ? old : { key, groups: undefined, next: null }),
      loading: true,
      error: undefined,
    }));
    connection.request('groups', { filter, limit: PAGE, ...(from === undefined ? {} : { before: from }) }).then(
      ({ groups, next }) => {
        if (mine !== turn.current) return;
        setState((old) => ({
          key,
          groups: merge(more ? (old.groups ?? []) : [], groups),
          next,
          loading: false,
          error: undefined,
        }));
        if (!more) setWaiting(0);
      },
      (error: Error) => mine === turn.current && setState((old) => ({ ...old, loading: false, error })),
    );
  }, []);
  const again = useCallback(() => load(newest.current.before, false), [load]);
  useOpen(again, key);
  const older = useCallback(() => {
    const { groups, next, loading } = newest.current.state;
    if (loading) return;
    if (groups === undefined) again();
    else if (next !== null) load(next, true);
  }, [again, load]);

  const release = useCallback(() => {
    const fresh = buffer.current;
    buffer.current = [];
    setWaiting(0);
    setState((old) =>
      old.groups === undefined || fresh.length === 0 ? old : { ...old, ...trimmed(merge(fresh, old.groups), old.next) },
    );
  }, []);
  useUpdates(({ groups }) => {
    const { filter, before, key, state } = newest.current;
    if (before !== undefined || state.key !== key || state.groups === undefined) return;
    const mine = groups.filter((group) => matches(filter, group));
    if (mine.length === 0) return;
    buffer.current = [...buffer.current, ...mine].slice(-LIVE);
    setWaiting((count) => count + mine.length);
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (buffer.current.length > 0 && !newest.current.held()) release();
    }, FLUSH_MILLISECONDS);
    return () => clearInterval(timer);
  }, [release]);

  const mine = state.key === key;
  const groups = mine ? state.groups : undefined;
  const full = (groups?.length ?? 0) >= LONGEST;
  const { next, loading, error } = state;
  return {
    groups,
    next,
    loading: !mine || loading,
    error: mine ? error : undefined,
    more: mine && next !== null && !full,
    full,
    waiting,
    older,
    again,
    release,
  };
}

/** Merges without duplicates, newest first. */
function merge(a: readonly GroupCard[], b: readonly GroupCard[]): readonly GroupCard[] {
  return [...new Map([...b, ...a].map((group) => [group.id, group])).values()].sort((x, y) => y.sequence - x.sequence);
}

/** Cuts the list and moves the next page to its end, so that the cut groups can be loaded again. */
function trimmed(groups: readonly GroupCard[], next: number | null): Pick<State, 'groups' | 'next'> {
  if (groups.length <= LIVE) return { groups, next };
  const kept = groups.slice(0, LIVE);
  return { groups: kept, next: kept.at(-1)!.sequence };
}
