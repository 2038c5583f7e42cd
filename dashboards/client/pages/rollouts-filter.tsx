/** The filter of the stream's groups. It is part of the URL, so that a filtered stream can be linked to. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GroupCard, GroupFilter } from '../../../src/protocol/frames.ts';
import { href, navigate, type PageProps } from '../router.ts';
import { useRequest } from '../session.ts';
import { ORIGINS, REASONS, type QuestionOrigin, type Reason } from './rollouts-words.ts';

type Query = PageProps['query'];
type Key = 'q' | 'kind' | 'origin' | 'verdict' | 'min' | 'max' | 'version' | 'question';

const NOTHING = {} as const;
const TYPING_MILLISECONDS = 250;

/** Parses the URL's query and ignores invalid values. Shares are in percent there. */
export function filterOf(query: Query): GroupFilter {
  const { q, kind, origin, verdict, question } = query;
  const [min, max, version] = [share(query['min']), share(query['max']), natural(query['version'])];
  return {
    ...(q ? { text: q.slice(0, 200) } : {}),
    ...(kind ? { kind } : {}),
    ...(origin && origin in ORIGINS ? { origin: origin as QuestionOrigin } : {}),
    ...(verdict === 'kept' || verdict === 'dropped' || (verdict && verdict in REASONS)
      ? { verdict: verdict as 'kept' | 'dropped' | Reason }
      : {}),
    ...(min === undefined ? {} : { minShare: min }),
    ...(max === undefined ? {} : { maxShare: max }),
    ...(version === undefined ? {} : { version }),
    ...(question ? { questionId: question } : {}),
  };
}

/** Applies the store's filter to groups that arrive live. */
export function matches(filter: GroupFilter, { question, version, share, kept, dropped }: GroupCard): boolean {
  if (filter.kind !== undefined && question.kind !== filter.kind) return false;
  if (filter.origin !== undefined && question.origin !== filter.origin) return false;
  if (filter.questionId !== undefined && question.id !== filter.questionId) return false;
  if (filter.version !== undefined && version !== filter.version) return false;
  if (filter.minShare !== undefined && share < filter.minShare) return false;
  if (filter.maxShare !== undefined && share > filter.maxShare) return false;
  if (filter.text !== undefined && !question.text.toLowerCase().includes(filter.text.toLowerCase())) return false;
  if (filter.verdict === undefined) return true;
  if (filter.verdict === 'kept' || filter.verdict === 'dropped') return kept === (filter.verdict === 'kept');
  return dropped === filter.verdict;
}

export function FilterBar({ query }: { readonly query: Query }) {
  const stats = useRequest('questions', NOTHING);
  const set = (key: Key, value: string) =>
    navigate(href('rollouts', [], { ...query, before: undefined, [key]: value }), { replace: true });
  const kinds = Object.keys(stats.value?.byKind ?? {}).sort();
  if (query['kind'] && !kinds.includes(query['kind'])) kinds.unshift(query['kind']);
  const filtered = Object.keys(filterOf(query)).length > 0;
  return (
    <search class="filters" aria-label="Filter the groups">
      <Typed
        class="field search"
        type="search"
        label="Search in the question"
        placeholder="Search questions"
        value={query['q'] ?? ''}
        onValue={(value) => set('q', value)}
      />
      <Choice
        label="Kind"
        any="Any kind"
        value={query['kind']}
        options={kinds.map((kind) => [kind, kind])}
        onValue={(value) => set('kind', value)}
      />
      <Choice
        label="Origin"
        any="Any origin"
        value={query['origin']}
        options={Object.entries(ORIGINS)}
        onValue={(value) => set('origin', value)}
      />
      <Choice
        label="Verdict"
        any="Kept and dropped"
        value={query['verdict']}
        options={[
          ['kept', 'Kept'],
          ['dropped', 'Dropped'],
          ...Object.entries(REASONS).map(([reason, [name]]) => [reason, `Dropped: ${name}`] as const),
        ]}
        onValue={(value) => set('verdict', value)}
      />
      <span class="range">
        <span aria-hidden="true">Share</span>
        <Typed
          class="field tiny"
          type="number"
          label="Lowest vote share in percent"
          placeholder="0"
          value={query['min'] ?? ''}
          onValue={(value) => set('min', value)}
        />
        <span aria-hidden="true">to</span>
        <Typed
          class="field tiny"
          type="number"
          label="Highest vote share in percent"
          placeholder="100"
          value={query['max'] ?? ''}
          onValue={(value) => set('max', value)}
        />
        <span aria-hidden="true">%</span>
      </span>
      <Typed
        class="field short"
        type="number"
        label="Version that sampled it"
        placeholder="Version"
        value={query['version'] ?? ''}
        onValue={(value) => set('version', value)}
      />
      <a class={`button plain${filtered ? '' : ' unseen'}`} href={href('rollouts')}>
        Clear
      </a>
    </search>
  );
}

interface ChoiceProps {
  readonly label: string;
  /** Label of the empty choice. */
  readonly any: string;
  readonly value: string | undefined;
  readonly options: readonly (readonly [string, string])[];
  readonly onValue: (value: string) => void;
}

function Choice({ label, any, value = '', options, onValue }: ChoiceProps) {
  return (
    <select
      class={`field${value === '' ? '' : ' chosen'}`}
      aria-label={label}
      value={value}
      onChange={(event) => onValue(event.currentTarget.value)}
    >
      <option value="">{any}</option>
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}

interface TypedProps {
  readonly class: string;
  readonly type: 'search' | 'number';
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

/** A text field that reports its value when typing pauses and otherwise follows the URL. */
function Typed({ class: look, type, label, placeholder, value, onValue }: TypedProps) {
  const [text, setText] = useState(value);
  const newest = useRef(onValue);
  newest.current = onValue;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => newest.current(text), TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [text, value]);
  const sort =
    type === 'number' ? ({ type: 'number', min: 0 } as const) : ({ type: 'search', spellcheck: false } as const);
  return (
    <input
      {...sort}
      class={`${look}${value === '' ? '' : ' chosen'}`}
      aria-label={label}
      placeholder={placeholder}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  );
}

function share(percent: string | undefined): number | undefined {
  if (percent === undefined || percent.trim() === '') return undefined;
  const value = Number(percent) / 100;
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : undefined;
}

function natural(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
