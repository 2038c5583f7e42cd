/**
 * Page "Questions": the questions' origins, their vote shares, how different they are, and the questions that the model
 * wrote.
 */
import './questions.css';
import type { QuestionStats } from '../../../src/protocol/frames.ts';
import { Answer, Empty } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { count, number, percent } from '../format.ts';
import { href } from '../router.ts';
import { useLive, useRequest } from '../session.ts';
import { Acceptance } from './questions-acceptance.tsx';
import { Curriculum } from './questions-curriculum.tsx';
import { Synthetic } from './questions-synthetic.tsx';
import { ORIGINS, type QuestionOrigin } from './rollouts-words.ts';

const NOTHING = {} as const;

export function Questions() {
  const asked = useRequest('questions', NOTHING);
  return (
    <div class="stack">
      <Answer asked={asked} lines={10}>
        {(stats) =>
          total(stats.byOrigin) === 0 ? (
            <NoQuestions />
          ) : (
            <Stats stats={stats} again={asked.again} loading={asked.loading} />
          )
        }
      </Answer>
      <Curriculum />
      <Acceptance />
      <Synthetic />
    </div>
  );
}

function NoQuestions() {
  const phase = useLive((live) => live.phase);
  return (
    <Panel title="Questions">
      <Empty title="No questions yet">
        {phase === 'baseline' || phase === 'starting'
          ? 'The daemon measures the base model first; the first questions are asked right after.'
          : 'They are counted here as soon as the loop asks the first.'}
      </Empty>
    </Panel>
  );
}

function Stats({
  stats,
  again,
  loading,
}: {
  readonly stats: QuestionStats;
  readonly again: () => void;
  readonly loading: boolean;
}) {
  const origins = originsOf(stats);
  return (
    <>
      <div class="row">
        <p class="muted grow">Questions that were asked and are still stored.</p>
        <button type="button" class="button small" disabled={loading} onClick={again}>
          {loading ? 'Counting …' : 'Count again'}
        </button>
      </div>
      <dl class="stats">
        <div class="stat">
          <dt>Questions</dt>
          <dd>{count(total(stats.byOrigin))}</dd>
          <dd class="note">{kindsIn(stats.byKind)}</dd>
        </div>
        {origins.map((origin) => (
          <div class="stat" key={origin} data-origin={origin}>
            <dt>{origin === 'dataset' ? 'from the data set' : ORIGINS[origin]}</dt>
            <dd>{count(stats.byOrigin[origin])}</dd>
            <dd class="note">{percent((stats.byOrigin[origin] ?? 0) / Math.max(1, total(stats.byOrigin)))} of all</dd>
          </div>
        ))}
      </dl>
      <div class="two">
        <Panel title="Vote share">
          <div class="stack">
            {origins.map((origin) => (
              <Shares key={origin} origin={origin} bands={stats.shares[origin] ?? []} />
            ))}
          </div>
        </Panel>
        <div class="stack">
          <Panel title="Diversity">
            <div class="stack">
              {origins.map((origin) => (
                <Diversity
                  key={origin}
                  origin={origin}
                  of={stats.diversity[origin]}
                  questions={stats.byOrigin[origin] ?? 0}
                />
              ))}
            </div>
          </Panel>
          <Panel title="Kinds">
            <Kinds byKind={stats.byKind} />
          </Panel>
        </div>
      </div>
    </>
  );
}

const BAND = 40;
const HEIGHT = 120;

/** Ten bars with the number of groups above each, so that no height must be read. */
function Shares({ origin, bands }: { readonly origin: QuestionOrigin; readonly bands: readonly number[] }) {
  const all = bands.reduce((sum, n) => sum + n, 0);
  const most = Math.max(1, ...bands);
  const name = ORIGINS[origin];
  if (all === 0)
    return (
      <figure class="histogram">
        <figcaption>{name}</figcaption>
        <p class="muted">No vote yet.</p>
      </figure>
    );
  const words = bands.map((n, i) => `${i * 10} to ${i * 10 + 10} %: ${n}`).join('; ');
  return (
    <figure class="histogram" data-origin={origin}>
      <figcaption>
        <b>{name}</b> <span class="muted">{count(all)} groups</span>
      </figcaption>
      <svg viewBox={`0 0 ${BAND * 10} ${HEIGHT + 34}`} role="img" aria-label={`Groups by vote share: ${words}`}>
        {bands.map((n, i) => {
          const height = (n / most) * HEIGHT;
          return (
            <g key={i}>
              <rect
                class={`band${i === 9 ? ' last' : ''}`}
                x={i * BAND + 2}
                y={16 + HEIGHT - height}
                width={BAND - 4}
                height={height}
                rx="2"
              >
                <title>{`${i * 10} – ${i * 10 + 10} %: ${count(n)} groups`}</title>
              </rect>
              <text class="band-count" x={i * BAND + BAND / 2} y={11 + HEIGHT - height} text-anchor="middle">
                {n === 0 ? '' : compact(n)}
              </text>
            </g>
          );
        })}
        <line class="band-axis" x1="0" x2={BAND * 10} y1={HEIGHT + 16.5} y2={HEIGHT + 16.5} />
        {[0, 2, 4, 6, 8, 10].map((tick) => (
          <text
            key={tick}
            class="band-tick"
            x={tick * BAND}
            y={HEIGHT + 30}
            text-anchor={tick === 0 ? 'start' : tick === 10 ? 'end' : 'middle'}
          >
            {tick * 10} %
          </text>
        ))}
      </svg>
      <p class="muted small">{reading(bands, all)}</p>
    </figure>
  );
}

/** Describes the histogram in words. */
function reading(bands: readonly number[], all: number): string {
  const agreed = (bands[9] ?? 0) / all;
  const split = bands.slice(0, 3).reduce((sum, n) => sum + n, 0) / all;
  const middle = Math.max(0, 1 - agreed - split);
  return `${percent(middle, 0)} lie between 30 and 90 %, where the responses differ and there is most to learn; ${percent(agreed, 0)} agree (nearly) fully and teach little; ${percent(split, 0)} are split so far that the vote says little.`;
}

function Diversity({
  origin,
  of,
  questions,
}: {
  readonly origin: QuestionOrigin;
  readonly of: QuestionStats['diversity'][QuestionOrigin];
  readonly questions: number;
}) {
  if (of === undefined) return null;
  const { distinct, distance } = of;
  return (
    <div class="diversity" data-origin={origin}>
      <h3>{ORIGINS[origin]}</h3>
      <dl class="numbers">
        <dt>distinct texts</dt>
        <dd>{percent(distinct)}</dd>
        <dt>word-pair distance</dt>
        <dd>{distance === null ? '–' : number(distance, 3)}</dd>
      </dl>
      <p class="muted small">
        {distinct >= 0.995
          ? 'No text is asked twice'
          : `Of ${count(questions)} questions, ${count(distinct * questions)} have a text of their own`}
        {distance === null
          ? '; there are too few questions to compare their words.'
          : `; two questions differ in ${percent(distance, 0)} of their word pairs (0 % would be one sentence over and over). ${spread(origin, distance)}`}
      </p>
    </div>
  );
}

function spread(origin: QuestionOrigin, distance: number): string {
  if (origin === 'dataset')
    return 'The same sentence about another picture is another question, so a low share of distinct texts is no fault here.';
  if (distance < 0.4) return 'That is little: the model may be repeating itself.';
  return 'The model does not repeat itself.';
}

function Kinds({ byKind }: Pick<QuestionStats, 'byKind'>) {
  const kinds = Object.entries(byKind).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...kinds.map(([, n]) => n));
  if (kinds.length === 0) return <p class="muted">The data set names no kinds.</p>;
  return (
    <ul class="kinds">
      {kinds.map(([kind, n]) => (
        <li key={kind}>
          <a class="ellipsis" href={href('rollouts', [], { kind })} title={`Rollouts of kind ${kind}`}>
            {kind}
          </a>
          <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect class="kind-ground" width="100" height="8" />
            <rect class="band" width={(n / most) * 100} height="8" />
          </svg>
          <span class="right">{count(n)}</span>
        </li>
      ))}
    </ul>
  );
}

/** The data set first. */
function originsOf({ byOrigin, shares }: QuestionStats): readonly QuestionOrigin[] {
  return (Object.keys(ORIGINS) as QuestionOrigin[]).filter(
    (origin) => (byOrigin[origin] ?? 0) > 0 || shares[origin] !== undefined,
  );
}

function total(counts: Readonly<Partial<Record<string, number>>>): number {
  return Object.values(counts).reduce<number>((sum, n) => sum + (n ?? 0), 0);
}

/** 950, 9.5k, 12k */
function compact(n: number): string {
  return n < 1000 ? String(n) : `${(n / 1000).toFixed(n < 9950 ? 1 : 0)}k`;
}

function kindsIn(byKind: Readonly<Record<string, number>>): string {
  const kinds = Object.keys(byKind).length;
  return `${count(kinds)} ${kinds === 1 ? 'kind' : 'kinds'}`;
}
