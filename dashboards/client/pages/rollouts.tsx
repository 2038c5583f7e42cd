/**
 * Page "Rollouts": the stream of judged groups, one group in full (`g/<id>`), and one question across versions
 * (`q/<id>`).
 */
import './rollouts.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../components/icons.tsx';
import { Empty, Failure, Loading } from '../components/notice.tsx';
import { Older } from '../components/paged.tsx';
import { count } from '../format.ts';
import { href, type PageProps } from '../router.ts';
import { useLive } from '../session.ts';
import { Card } from './rollouts-card.tsx';
import { FilterBar, filterOf } from './rollouts-filter.tsx';
import { GroupView } from './rollouts-group.tsx';
import { QuestionView } from './rollouts-history.tsx';
import { LONGEST, useStream } from './rollouts-stream.ts';

/** New cards wait while the pointer moved within this time, so that nothing moves under it. */
const REACHING_MILLISECONDS = 3000;
const TOP_PIXELS = 120;

export function Rollouts({ rest, query }: PageProps) {
  const [view, id] = rest;
  if (view === 'g' && id !== undefined) return <GroupView key={id} id={id} />;
  if (view === 'q' && id !== undefined) return <QuestionView key={id} id={id} query={query} />;
  return <StreamView query={query} />;
}

function StreamView({ query }: { readonly query: PageProps['query'] }) {
  const [paused, setPaused] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const reached = useRef(0);
  const { before: from } = query;
  const before = from !== undefined && /^\d{1,15}$/.test(from) ? Number(from) : undefined;
  const held = () =>
    paused ||
    scrollY > TOP_PIXELS ||
    Date.now() - reached.current < REACHING_MILLISECONDS ||
    (list.current?.contains(document.activeElement) ?? false);
  const filter = filterOf(query);
  const stream = useStream(filter, before, held);
  useEffect(() => () => void (reached.current = 0), []);
  const show = () => {
    scrollTo({ top: 0 });
    stream.release();
  };
  return (
    <div class="rollouts">
      <div class="stream-bar">
        <FilterBar query={query} />
        {before === undefined ? (
          <button type="button" class="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            <Icon name={paused ? 'play' : 'pause'} />
            {paused ? 'Go on' : 'Pause'}
          </button>
        ) : (
          <a class="button" href={href('rollouts', [], { ...query, before: undefined })}>
            Newest
          </a>
        )}
      </div>
      <div class="fresh" aria-live="off">
        {stream.waiting > 0 ? (
          <button type="button" class="button small primary" onClick={show}>
            {count(stream.waiting)} new
          </button>
        ) : null}
      </div>
      <p class="stream-hint">
        Letter and colour: answers that mean the same, A won the vote. Under each answer: its reward, and its advantage
        in learning.
      </p>
      <ol
        ref={list}
        class="groups"
        aria-label="Judged groups, newest first"
        aria-busy={stream.loading}
        onPointerMove={() => (reached.current = Date.now())}
      >
        {stream.groups?.map((group) => (
          <Card key={group.id} group={group} />
        ))}
      </ol>
      {stream.groups === undefined && stream.error !== undefined ? (
        <Failure error={stream.error} again={stream.again} />
      ) : null}
      {stream.groups === undefined && stream.error === undefined ? <Loading lines={12} /> : null}
      {stream.groups?.length === 0 ? <NoGroups filtered={Object.keys(filter).length > 0} /> : null}
      {stream.groups === undefined ? null : <Older paged={stream}>Older groups</Older>}
      {stream.full && stream.next !== null ? (
        <p class="older muted">
          {LONGEST} groups are shown.
          <a
            class="button"
            href={href('rollouts', [], { ...query, before: stream.next })}
            onClick={() => scrollTo(0, 0)}
          >
            Go on from here
          </a>
        </p>
      ) : null}
    </div>
  );
}

function NoGroups({ filtered }: { readonly filtered: boolean }) {
  const phase = useLive((live) => live.phase);
  if (filtered)
    return (
      <Empty title="No stored group is like that">
        Widen the filter, or clear it: new groups that match appear here by themselves.
      </Empty>
    );
  if (phase === 'starting' || phase === 'baseline')
    return (
      <Empty title="No groups yet">
        The daemon measures the base model first; the first votes appear here right after.
      </Empty>
    );
  if (phase === 'paused')
    return (
      <Empty title="No groups yet">The loop is paused. Resume it on the Control page or with "quorum resume".</Empty>
    );
  return <Empty title="No groups yet">They appear here as soon as the first responses have been voted on.</Empty>;
}
