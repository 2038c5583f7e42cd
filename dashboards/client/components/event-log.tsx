/**
 * Lists events, newest first, with the author of each command. Updates bring new events; the list requests older ones
 * on demand.
 */
import { useEffect, useState } from 'preact/hooks';
import { eventWords } from '../../../src/protocol/event-words.ts';
import type { EventRow } from '../../../src/protocol/frames.ts';
import { connection, useRequest, useUpdates } from '../session.ts';
import { Badge, type Tone } from './badge.tsx';
import { Answer, Empty } from './notice.tsx';
import { Panel } from './panel.tsx';
import { Time } from './time.tsx';

const PAGE = 50;
/** Most rows that the page keeps. */
const MOST = 2000;

interface Around {
  readonly of: unknown;
  readonly newer: readonly EventRow[];
  readonly older: readonly EventRow[];
  readonly next: number | null;
}

export function EventLog() {
  const [kind, setKind] = useState('');
  const [kinds, setKinds] = useState<readonly string[]>([]);
  const params = kind === '' ? { limit: PAGE } : { limit: PAGE, kind };
  const asked = useRequest('events', params);
  const [kept, setKept] = useState<Around>();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<string>();
  /** Rows that arrived before and after the newest answer; those around an older answer are dropped. */
  const around = (old: Around | undefined): Around =>
    old !== undefined && old.of === asked.value
      ? old
      : { of: asked.value, newer: [], older: [], next: asked.value?.next ?? null };
  const { newer, older, next } = around(kept);
  useUpdates(({ events }) => {
    const mine = events.filter(({ type }) => kind === '' || type === kind).toReversed();
    if (mine.length > 0) setKept((old) => ({ ...around(old), newer: [...mine, ...around(old).newer].slice(0, MOST) }));
  });
  const rows = unique([...newer, ...(asked.value?.events ?? []), ...older]);
  useEffect(() => {
    const found = new Set([...kinds, ...rows.map(({ type }) => type)]);
    if (found.size > kinds.length) setKinds([...found].sort());
  }, [rows.length]);
  const askOlder = () => {
    if (next === null) return;
    setPending(true);
    setError(undefined);
    connection
      .request('events', { ...params, before: next })
      .then(
        (answer) =>
          setKept((old) => ({
            ...around(old),
            older: [...around(old).older, ...answer.events].slice(0, MOST),
            next: answer.next,
          })),
        (failure: Error) => setError(failure.message),
      )
      .finally(() => setPending(false));
  };
  return (
    <Panel title="Event log" flush actions={<KindFilter kind={kind} kinds={kinds} onChange={setKind} />}>
      <Answer asked={asked} lines={6}>
        {() =>
          rows.length === 0 ? (
            <Empty title="No events yet">Commands, restarts, checkpoints and notes appear here.</Empty>
          ) : (
            <>
              <Rows rows={rows} />
              <div class="log-foot">
                {error === undefined ? null : <span class="field-error">{error}</span>}
                <button type="button" class="button small" disabled={next === null || pending} onClick={askOlder}>
                  {next === null ? 'These are all' : pending ? 'Loading …' : 'Older'}
                </button>
              </div>
            </>
          )
        }
      </Answer>
    </Panel>
  );
}

function KindFilter({
  kind,
  kinds,
  onChange,
}: {
  readonly kind: string;
  readonly kinds: readonly string[];
  readonly onChange: (kind: string) => void;
}) {
  return (
    <label class="row">
      <span class="muted small">Type</span>
      <select class="field" value={kind} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">all</option>
        {kinds.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Rows({ rows }: { readonly rows: readonly EventRow[] }) {
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Events">
      <table class="table log">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Type</th>
            <th scope="col">Author</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const { author, text } = eventWords(row.type, row.data);
            return (
              <tr key={row.id}>
                <td class="log-time">
                  <Time at={row.at} />
                </td>
                <td>
                  <Badge tone={toneOf(row.type)}>{row.type}</Badge>
                </td>
                <td class="log-author">{author ?? ''}</td>
                <td class="log-text">{text}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function toneOf(type: string): Tone {
  if (/fail|error|lost/.test(type)) return 'bad';
  if (/command|control|set|rollback/.test(type)) return 'accent';
  if (/restart|empty|refused/.test(type)) return 'warn';
  return 'neutral';
}

function unique(rows: readonly EventRow[]): readonly EventRow[] {
  const seen = new Set<number>();
  return rows.filter(({ id }) => !seen.has(id) && seen.add(id));
}
