/** Shows how stale the samples are, against the bound, and how many groups may still be admitted. */
import { count, percent } from '../format.ts';
import { useLive } from '../session.ts';
import { Panel } from './panel.tsx';

const HEIGHT = 84;

export function Staleness() {
  const staleness = useLive((live) => live.staleness);
  const groups = useLive((live) => live.groups);
  const dropped = Object.values(groups?.dropped ?? {}).reduce((sum, n) => sum + n, 0);
  return (
    <Panel title="Staleness" class="staleness">
      <dl class="pairs">
        <dt>now / at most</dt>
        <dd>
          {staleness?.now ?? '–'} / {staleness?.max ?? '–'}
        </dd>
        <dt>credits left</dt>
        <dd>{count(groups?.credits)}</dd>
        <dt>kept</dt>
        <dd>
          {groups === undefined || groups.sampled === 0
            ? '–'
            : percent(groups.kept / Math.max(1, groups.kept + dropped), 0)}
        </dd>
      </dl>
      <Histogram counts={staleness?.histogram ?? []} />
    </Panel>
  );
}

function Histogram({ counts }: { readonly counts: readonly number[] }) {
  const most = Math.max(1, ...counts);
  const all = counts.reduce((sum, n) => sum + n, 0);
  const width = 100 / Math.max(1, counts.length);
  return (
    <figure class="histogram">
      <figcaption>groups learnt from, by staleness</figcaption>
      <svg
        width="100%"
        height={HEIGHT + 18}
        role="img"
        aria-label={counts.map((n, s) => `staleness ${s}: ${n} groups`).join(', ') || 'no groups yet'}
      >
        {counts.map((n, s) => (
          <g key={s}>
            <rect
              class="histogram-bar"
              x={`${s * width + width * 0.12}%`}
              width={`${width * 0.76}%`}
              y={HEIGHT - Math.max(1, (n / most) * (HEIGHT - 14))}
              height={Math.max(1, (n / most) * (HEIGHT - 14))}
              rx="2"
            />
            <text
              x={`${(s + 0.5) * width}%`}
              y={HEIGHT - Math.max(1, (n / most) * (HEIGHT - 14)) - 4}
              text-anchor="middle"
            >
              {all === 0 ? '' : percent(n / all, 0)}
            </text>
            <text x={`${(s + 0.5) * width}%`} y={HEIGHT + 14} text-anchor="middle">
              {s}
            </text>
          </g>
        ))}
      </svg>
    </figure>
  );
}
