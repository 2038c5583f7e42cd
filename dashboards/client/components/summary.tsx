/** The key figures of the run. */
import type { ComponentChildren } from 'preact';
import type { Live } from '../../../src/protocol/frames.ts';
import { bytes, count, duration, number, percent, points } from '../format.ts';
import { useLive } from '../session.ts';

/** Whether a plug-in rewards; without one the mean reward equals the mean vote share. */
export function isRewarded({ actors }: Pick<Live, 'actors'>): boolean {
  return actors.some(({ role }) => role === 'reward');
}

export function Summary() {
  const live = useLive((value) => value);
  const { accuracy, signals, throughput, groups } = live ?? {};
  const gain = accuracy?.now && accuracy.baseline ? accuracy.now.greedy - accuracy.baseline.greedy : undefined;
  return (
    <dl class="stats">
      <Stat name="Policy version" note={live === undefined ? '' : savedNote(live)}>
        {count(live?.version)}
      </Stat>
      {live?.labelFree !== undefined && !accuracy?.now ? (
        <WithoutLabels of={live.labelFree} guardian={live.guardian?.level} />
      ) : (
        <>
          <Stat name="Held-out accuracy" note={gain === undefined ? 'greedy' : <Gain gain={gain} />}>
            {percent(accuracy?.now?.greedy)}
          </Stat>
          <Stat name="Best" note={accuracy?.best ? `version ${count(accuracy.best.version)}` : ''}>
            {percent(accuracy?.best?.greedy)}
          </Stat>
        </>
      )}
      <Stat name="Vote share" note={shareNote(live)}>
        {percent(signals?.voteShare)}
      </Stat>
      <Stat name="Steps a minute" note={`${duration(throughput?.secondsPerStep)} a step`}>
        {number(throughput?.stepsPerMinute, 3)}
      </Stat>
      <Stat
        name="Groups learnt"
        note={groups === undefined ? '' : `${count(groups.waiting)} wait, ${count(groups.inFlight)} in flight`}
      >
        {count(groups?.learnt)}
      </Stat>
      <Stat name="Restarts" note={live === undefined ? '' : `of ${count(live.actors.length)} actors`}>
        {count(live?.restarts)}
      </Stat>
      <Stat name="Memory" note={`peak ${bytes(live?.memory.peakRss)}`}>
        {bytes(live?.memory.rss)}
      </Stat>
    </dl>
  );
}

/** Replaces accuracy and the best version if the data has no labels. */
function WithoutLabels({
  of: { now, best },
  guardian,
}: {
  readonly of: NonNullable<Live['labelFree']>;
  readonly guardian: string | undefined;
}) {
  const trusted =
    now === null || now.trusted === null ? '' : `, ${percent(now.asTrusted)} as version ${count(now.trusted)}`;
  return (
    <>
      <Stat name="Answers as the base" note={now === null ? 'no labels' : `of ${count(now.n)} held out${trusted}`}>
        {percent(now?.asBase)}
      </Stat>
      <Stat name="Guardian" note={best === null ? 'no version is the best' : `best: version ${count(best)}`}>
        {guardian ?? 'off'}
      </Stat>
    </>
  );
}

/** The mean reward if a plug-in gives rewards; without labels the vote share on held-out questions. */
function shareNote(live: Live | undefined): string {
  if (live === undefined) return '';
  if (isRewarded(live)) return `reward ${number(live.signals.reward, 3)}`;
  const now = live.labelFree?.now;
  return now ? `held out ${percent(now.voteShare)}` : 'of training groups';
}

function Gain({ gain }: { readonly gain: number }) {
  return <span class={gain >= 0 ? 'gain' : 'loss'}>{points(gain)} to the base</span>;
}

function savedNote({ saved, stopAt }: Live): string {
  const kept = saved === null ? 'none saved yet' : `${count(saved)} saved`;
  return stopAt === null ? kept : `of ${count(stopAt)}, ${kept}`;
}

export function Stat({
  name,
  note,
  children,
}: {
  readonly name: string;
  readonly note?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="stat">
      <dt>{name}</dt>
      <dd>{children}</dd>
      <dd class="note">{note}</dd>
    </div>
  );
}
