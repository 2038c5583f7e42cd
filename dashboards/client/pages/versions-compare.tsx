/**
 * Compares two versions on the same held-out questions: which became right, which became wrong; without labels, which
 * answers changed.
 */
import { useState } from 'preact/hooks';
import type { Compared, Requests } from '../../../src/protocol/frames.ts';
import { Answer, Empty } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { Picture } from '../components/picture.tsx';
import { Segments } from '../components/segments.tsx';
import { count, percent, points } from '../format.ts';
import { href, navigate, type PageProps } from '../router.ts';
import { useRequest } from '../session.ts';

const EVALUATED = { limit: 200, only: 'evaluated' } as const;
const SHOWN = 40;

type Change = 'right' | 'wrong' | 'other' | 'changed' | 'same';
const CHANGES: readonly (readonly [Change, string])[] = [
  ['right', 'Flipped right'],
  ['wrong', 'Flipped wrong'],
  ['other', 'Wrong in both, other answer'],
  ['changed', 'No label, other answer'],
  ['same', 'No change'],
];

export function CompareView({ query }: { readonly query: PageProps['query'] }) {
  const [a, b] = [version(query['a']), version(query['b'])];
  const asked = useRequest('compare', a === undefined || b === undefined ? null : { a, b });
  return (
    <div class="stack">
      <p>
        <a class="button small plain" href={href('versions')}>
          <span aria-hidden="true">←</span> All versions
        </a>
      </p>
      <ComparePicker a={a} b={b} />
      {a === undefined || b === undefined ? (
        <Panel title="Comparison">
          <Empty title="Choose two versions">
            Those whose answers to the held-out questions are stored can be chosen.
          </Empty>
        </Panel>
      ) : (
        <Answer asked={asked} lines={12}>
          {(value) => <Comparison key={`${a} ${b}`} value={value} chosen={query['show']} />}
        </Answer>
      )}
    </div>
  );
}

/** Selects the versions to compare; initially the base and the newest evaluated version. */
export function ComparePicker({ a, b }: { readonly a: number | undefined; readonly b: number | undefined }) {
  const asked = useRequest('versions', EVALUATED);
  const [chosen, setChosen] = useState<{ a?: number; b?: number }>({});
  const rows = (asked.value?.versions ?? []).filter(({ comparable }) => comparable);
  const greedy = new Map(rows.map((row) => [row.n, row.greedy]));
  if (asked.value !== undefined && rows.length < 2 && a === undefined)
    return (
      <p class="muted">Two versions can be compared here, question by question, as soon as two have been evaluated.</p>
    );
  const from = chosen.a ?? a ?? rows.at(-1)?.n;
  const to = chosen.b ?? b ?? rows[0]?.n;
  const numbers = [...new Set([...rows.map(({ n }) => n), ...[from, to].filter((n) => n !== undefined)])].sort(
    (x, y) => y - x,
  );
  const select = (label: string, value: number | undefined, onValue: (n: number) => void) => (
    <select
      class="field"
      aria-label={label}
      value={value ?? ''}
      disabled={asked.value === undefined}
      onChange={(event) => onValue(Number(event.currentTarget.value))}
    >
      {value === undefined ? <option value="">…</option> : null}
      {numbers.map((n) => (
        <option key={n} value={n}>
          {n === 0 ? 'base (0)' : `version ${n}`}
          {typeof greedy.get(n) !== 'number' ? '' : ` · ${percent(greedy.get(n))}`}
        </option>
      ))}
    </select>
  );
  const ready = from !== undefined && to !== undefined && from !== to;
  return (
    <form
      class="compare-picker"
      aria-label="Compare two versions"
      onSubmit={(event) => {
        event.preventDefault();
        setChosen({});
        if (ready) navigate(href('versions', ['compare'], { a: from, b: to }));
      }}
    >
      <span>Compare</span>
      {select('First version', from, (n) => setChosen({ ...chosen, a: n }))}
      <span>with</span>
      {select('Second version', to, (n) => setChosen({ ...chosen, b: n }))}
      <button type="submit" class="button primary" disabled={!ready || (from === a && to === b)}>
        Compare
      </button>
    </form>
  );
}

function Comparison({
  value: { a, b, questions },
  chosen,
}: {
  readonly value: Requests['compare']['value'];
  readonly chosen: string | undefined;
}) {
  const [most, setMost] = useState(SHOWN);
  const of = (change: Change) => questions.filter((pair) => changeOf(pair) === change);
  const [right, wrong] = [of('right').length, of('wrong').length];
  const labelled = questions.filter(({ truth }) => truth !== null);
  const changes = CHANGES.filter(([change]) =>
    change === 'changed' ? labelled.length < questions.length : change === 'same' || labelled.length > 0,
  );
  const first = labelled.length === 0 ? 'changed' : right === 0 && wrong > 0 ? 'wrong' : 'right';
  const shown = changes.find(([change]) => change === chosen)?.[0] ?? first;
  const list = of(shown);
  if (questions.length === 0)
    return (
      <Empty title="No question was put to both">
        The two versions were evaluated on different held-out questions.
      </Empty>
    );
  const accuracy = (side: 'a' | 'b') => labelled.filter((pair) => pair[side].right).length / labelled.length;
  const unlabelled = questions.length - labelled.length;
  return (
    <>
      <dl class="stats">
        {labelled.length === 0 ? null : (
          <>
            <Stat name="Flipped right" value={count(right)} note={`wrong in ${a}, right in ${b}`} tone="better" />
            <Stat name="Flipped wrong" value={count(wrong)} note={`right in ${a}, wrong in ${b}`} tone="worse" />
            <Stat
              name={`Version ${a}`}
              value={percent(accuracy('a'))}
              note={`of ${count(labelled.length)} labelled questions put to both`}
            />
            <Stat
              name={`Version ${b}`}
              value={percent(accuracy('b'))}
              note={`${points(accuracy('b') - accuracy('a'))} on the same questions`}
            />
          </>
        )}
        {unlabelled === 0 ? null : (
          <Stat
            name="Answers changed"
            value={count(of('changed').length)}
            note={`of ${count(unlabelled)} questions without a label put to both`}
          />
        )}
      </dl>
      <Panel
        title="Questions"
        class="versions-panel"
        flush
        actions={
          <Segments
            label="Which questions"
            value={shown}
            options={changes.map(([change, name]) => [change, `${name} ${of(change).length}`] as const)}
            onChange={(show) => navigate(href('versions', ['compare'], { a, b, show }), { replace: true })}
          />
        }
      >
        <p class="held-out">
          {labelled.length === 0
            ? 'These questions have no label: what changed is shown, not what is right.'
            : 'Each answer is held against the data set’s label: a held-out label, never used for training.'}
        </p>
        {list.length === 0 ? <Empty title="None">No question is in this group.</Empty> : null}
        <ul class="compared">
          {list.slice(0, most).map((pair) => (
            <Pair key={pair.question.id} pair={pair} a={a} b={b} />
          ))}
        </ul>
        {list.length > most ? (
          <p class="older">
            <button type="button" class="button" onClick={() => setMost(most + SHOWN)}>
              Show {Math.min(SHOWN, list.length - most)} more of {list.length - most}
            </button>
          </p>
        ) : null}
      </Panel>
    </>
  );
}

function Stat({
  name,
  value,
  note,
  tone = '',
}: {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly tone?: string;
}) {
  return (
    <div class="stat">
      <dt>{name}</dt>
      <dd class={tone}>{value}</dd>
      <dd class="note" title={note}>
        {note}
      </dd>
    </div>
  );
}

function Pair({
  pair: { question, truth, a: one, b: other },
  a,
  b,
}: {
  readonly pair: Compared;
  readonly a: number;
  readonly b: number;
}) {
  return (
    <li class="pair" data-question={question.id}>
      <Picture question={question} />
      <div class="pair-body">
        <h3>{question.text}</h3>
        {question.kind === null ? null : <p class="small muted">{question.kind}</p>}
        <dl class="pair-answers">
          <Given version={a} {...one} />
          <Given version={b} {...other} />
          {truth === null ? null : (
            <div class="given">
              <dt>held-out label</dt>
              <dd class="mono" title="Held-out label, never used for training">
                {truth}
              </dd>
            </div>
          )}
        </dl>
      </div>
    </li>
  );
}

function Given({
  version,
  answer,
  right,
}: {
  readonly version: number;
  readonly answer: string | null;
  readonly right: boolean | null;
}) {
  return (
    <div class={right === null ? 'given' : `given ${right ? 'better' : 'worse'}`}>
      <dt>version {version}</dt>
      <dd>
        {right === null ? null : (
          <>
            <span aria-hidden="true">{right ? '✓' : '✗'}</span>
            <span class="visually-hidden">{right ? 'right: ' : 'wrong: '}</span>{' '}
          </>
        )}
        <span class="mono">{answer ?? 'no answer'}</span>
      </dd>
    </div>
  );
}

function changeOf({ a, b, truth, same }: Compared): Change {
  if (truth === null) return same ? 'same' : 'changed';
  if (a.right !== b.right) return b.right ? 'right' : 'wrong';
  return !a.right && !same ? 'other' : 'same';
}

function version(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
