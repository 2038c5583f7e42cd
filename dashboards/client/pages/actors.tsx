/** The supervision tree: supervisors and their actors, with their states and errors. */
import './actors.css';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ActorDetail, Live } from '../../../src/protocol/frames.ts';
import { Badge } from '../components/badge.tsx';
import { Empty, Failure, Loading } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { PhaseBadge } from '../components/phase.tsx';
import { StateArrow, StateChart } from '../components/state-chart.tsx';
import { Since, Time } from '../components/time.tsx';
import { count, percent, rate } from '../format.ts';
import { STATES } from '../loop/actor-card.tsx';
import type { Actor } from '../loop/layout.ts';
import { PluginsPanel } from './actors-plugins.tsx';
import { WorkersPanel } from './actors-workers.tsx';
import { connection, useConnectionState, useLive, useRequest } from '../session.ts';

const NO_PARAMS = {};
/** Least milliseconds between requests for state charts; the page requests them when an actor changed. */
const REFRESH = 700;

export function Actors() {
  const details = useRequest('actors', NO_PARAMS);
  const actors = useLive((live) => live.actors);
  const plugins = useRequest('plugins', NO_PARAMS);
  useRefresh(() => {
    details.again();
    plugins.again();
  });
  if (details.error !== undefined && details.value === undefined)
    return <Failure error={details.error} again={details.again} />;
  if (actors === undefined) return <Loading lines={8} />;
  // The plug-ins stand above the tree; wait for them, so that the tree does not jump.
  if (plugins.value === undefined && plugins.error === undefined) return <Loading lines={8} />;
  if (actors.length === 0) return <Empty title="No actors yet">The daemon is still opening its parts.</Empty>;
  return (
    <div class="tree">
      <StateArrow />
      <Root />
      <WorkersPanel />
      <PluginsPanel asked={plugins} />
      <ul class="branches">
        {actors.map((actor) => (
          <li key={actor.id}>
            <ActorPanel actor={actor} detail={details.value?.find(({ id }) => id === actor.id)} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Root() {
  const phase = useLive((live) => live.phase);
  const pid = useLive((live) => live.pid);
  const restarts = useLive((live) => live.restarts);
  const error = useLive((live) => live.error);
  const { type } = useConnectionState();
  return (
    <div class="panel tree-root">
      <strong>system</strong>
      <PhaseBadge phase={phase} connected={type === 'open'} />
      <span class="muted">process {pid}</span>
      <span class="muted">{count(restarts)} restarts in this run</span>
      {error === undefined ? null : <span class="field-error">{error}</span>}
    </div>
  );
}

function ActorPanel({ actor, detail }: { readonly actor: Actor; readonly detail: ActorDetail | undefined }) {
  return (
    <Panel
      title={actor.id}
      actions={
        <>
          {actor.restarts > 0 ? <Badge tone="warn">{actor.restarts}× restarted</Badge> : null}
          <Badge dot tone={STATES[actor.state]}>
            {actor.state}
          </Badge>
        </>
      }
    >
      <div class="actor">
        <div class="actor-facts">
          <p class="actor-now">
            {actor.doing}{' '}
            <span class="faint">
              for <Since at={actor.since} />
            </span>
          </p>
          <dl class="facts-row">
            <Fact name="role">{actor.role}</Fact>
            <Fact name="done">{count(actor.items)}</Fact>
            <Fact name="rate">{rate(actor.itemsPerSecond)}</Fact>
            <Fact name="busy">{percent(actor.busy, 0)}</Fact>
            <Fact name={actor.queue === null ? 'queue' : actor.queue.name}>
              {actor.queue === null ? 'none' : `${actor.queue.size} of ${actor.queue.bound}`}
            </Fact>
          </dl>
        </div>
        <div class="charts-row">
          {detail === undefined ? (
            <Loading lines={2} />
          ) : (
            chartsNow(detail, actor).map((chart) => <StateChart key={chart.machine} chart={chart} />)
          )}
        </div>
        <Failures failures={detail?.failures ?? []} error={actor.error} />
      </div>
    </Panel>
  );
}

/** Lights the status's state in the charts, because the status is newer than the requested charts. */
function chartsNow({ charts }: ActorDetail, { state }: Actor): ActorDetail['charts'] {
  return charts.map((chart) =>
    chart.machine === 'service' && chart.states.includes(state) ? { ...chart, active: state } : chart,
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Failures({
  failures,
  error,
}: {
  readonly failures: ActorDetail['failures'];
  readonly error: string | undefined;
}) {
  if (failures.length === 0) return error === undefined ? null : <p class="field-error">{error}</p>;
  return (
    <div>
      <h3 class="failures-title">Failures, newest first</h3>
      <ul class="failures">
        {failures.map((failure) => (
          <li key={`${failure.at} ${failure.message}`}>
            <details>
              <summary>
                <Time at={failure.at} /> <span class="failure-message">{failure.message}</span>
              </summary>
              <pre tabIndex={0}>{failure.stack}</pre>
            </details>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Calls `again` when an actor's state, work or restarts change; one call covers all changes during the pause. */
function useRefresh(again: () => void): void {
  const newest = useRef(again);
  newest.current = again;
  useEffect(() => {
    let seen = summary(connection.live.get());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = connection.live.subscribe(() => {
      const next = summary(connection.live.get());
      if (next === seen) return;
      seen = next;
      timer ??= setTimeout(() => {
        timer = undefined;
        if (connection.state.get().type === 'open') newest.current();
      }, REFRESH);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
}

function summary(live: Live | null): string {
  return (live?.actors ?? []).map(({ id, state, restarts }) => `${id} ${state} ${restarts}`).join(';');
}
