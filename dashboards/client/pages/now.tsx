/** The loop at a glance: its activity, and whether the policy improves. */
import './now.css';
import { useMemo, useState } from 'preact/hooks';
import { shallowSame, useCell } from '../cell.ts';
import { board } from '../charts/shared.ts';
import { Chart } from '../charts/chart.tsx';
import { guardianMarks, MOST_MARKS } from '../charts/guardian-marks.ts';
import { ACCURACY, busyMetric, METRICS, present, WITHOUT_LABELS, type Metric } from '../charts/metrics.ts';
import { levelsIn } from '../charts/heat-map.ts';
import { LevelMap } from '../charts/level-map.tsx';
import type { Mark } from '../charts/plot.ts';
import type { EventRow } from '../../../src/protocol/frames.ts';
import { Icon } from '../components/icons.tsx';
import { Empty, Failure } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { Segments } from '../components/segments.tsx';
import { isRewarded, Summary } from '../components/summary.tsx';
import { WithoutLabels } from '../components/without-labels.tsx';
import { Staleness } from '../components/staleness.tsx';
import { percent } from '../format.ts';
import { LoopDrawing } from '../loop/loop.tsx';
import { useLive, useRequest, useUpdates } from '../session.ts';

export function Now() {
  return (
    <div class="stack">
      <WithoutLabels />
      <Summary />
      <div class="now-loop">
        <Panel title="The loop">
          <LoopDrawing />
        </Panel>
        <Staleness />
      </div>
      <Charts />
    </div>
  );
}

function Charts() {
  const names = useCell(board.names);
  const error = useCell(board.error);
  const guardian = useGuardianMarks();
  const marks = useMarks(guardian);
  const rewarded = useLive(isRewarded) === true;
  const shown = useMemo(
    () =>
      [...METRICS.filter(({ title }) => rewarded || title !== 'Reward'), busyMetric(names ?? [])]
        .map((metric) => present(metric, names ?? []))
        .filter((metric) => metric !== undefined),
    [names, rewarded],
  );
  const accuracy = present(ACCURACY, names ?? []);
  const levels = useMemo(() => levelsIn(names ?? []), [names]);
  const withoutLabels =
    useLive(({ labelFree }) => labelFree !== undefined) === true ? present(WITHOUT_LABELS, names ?? []) : undefined;
  return (
    <section class="stack now-charts" aria-label="Charts">
      <Toolbar />
      {error !== null && names === null ? <Failure error={error} again={() => void board.load()} /> : null}
      {names !== null && names.length === 0 ? (
        <Empty title="Nothing was learnt yet">
          The charts begin with the first learner step; the base model is measured before it.
        </Empty>
      ) : null}
      {accuracy === undefined ? null : <MetricChart metric={accuracy} marks={marks} tall />}
      {levels.length === 0 ? null : <LevelMap key={levels.join(' ')} board={board} levels={levels} />}
      {withoutLabels === undefined ? null : <MetricChart metric={withoutLabels} marks={guardian} tall />}
      <div class="chart-grid">
        {names === null && error === null
          ? METRICS.map(({ title }) => <div key={title} class="chart chart-place" />)
          : null}
        {shown.map((metric) => (
          <MetricChart key={metric.title} metric={metric} />
        ))}
      </div>
    </section>
  );
}

function MetricChart({
  metric,
  marks,
  tall = false,
}: {
  readonly metric: Metric;
  readonly marks?: readonly Mark[];
  readonly tall?: boolean;
}) {
  const key = metric.series.map(({ column }) => column).join(' ');
  return <Chart key={key} board={board} {...metric} {...(marks === undefined ? {} : { marks })} tall={tall} />;
}

/** Marks the base's accuracy with a line, the best version's with a point, the guardian's decisions vertically. */
function useMarks(guardian: readonly Mark[]): readonly Mark[] {
  const { base, best, bestStep } =
    useLive(
      ({ accuracy: { baseline, best: top } }) => ({
        base: baseline?.greedy,
        best: top?.greedy,
        bestStep: top?.version,
      }),
      shallowSame,
    ) ?? {};
  return useMemo(() => {
    const marks: Mark[] = [...guardian];
    if (base !== undefined) marks.push({ label: `base ${percent(base)}`, value: base, colour: '--text-3' });
    if (best !== undefined && bestStep !== undefined && bestStep > 0)
      marks.push({ label: `best ${percent(best)}`, value: best, step: bestStep, colour: '--ok' });
    return marks;
  }, [base, best, bestStep, guardian]);
}

function useGuardianMarks(): readonly Mark[] {
  const asked = useRequest('events', { kind: 'guardian', limit: MOST_MARKS });
  const [newer, setNewer] = useState<readonly EventRow[]>([]);
  useUpdates(({ events }) => {
    const mine = events.filter(({ type }) => type === 'guardian');
    if (mine.length > 0) setNewer((old) => [...old, ...mine].slice(-MOST_MARKS));
  });
  return useMemo(() => guardianMarks([...(asked.value?.events ?? []).toReversed(), ...newer]), [asked.value, newer]);
}

function Toolbar() {
  const axis = useCell(board.axis);
  const zoom = useCell(board.zoom);
  const paused = useCell(board.paused);
  return (
    <div class="row now-toolbar">
      <h2>History</h2>
      <span class="faint small now-hint">
        drag to zoom, double-click to see everything; by keyboard: arrows, + and −, 0
      </span>
      <div class="row now-tools">
        <button type="button" class="button small" disabled={zoom === null} onClick={() => board.zoom.set(null)}>
          Reset zoom
        </button>
        <button type="button" class="button small" aria-pressed={paused} onClick={() => board.paused.set(!paused)}>
          <Icon name={paused ? 'play' : 'pause'} />
          {paused ? 'Go on' : 'Pause'}
        </button>
        <Segments
          label="Time axis"
          value={axis}
          options={[
            ['steps', 'Steps'],
            ['at', 'Time'],
          ]}
          onChange={(next) => board.turn(next)}
        />
      </div>
    </div>
  );
}
