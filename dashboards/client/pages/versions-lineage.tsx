/**
 * Draws the roll-backs of the policy: each line is a stretch of versions, each bend the version from which learning
 * continued. Empty without a roll-back.
 */
import { useCallback, useState } from 'preact/hooks';
import type { Requests, VersionRow } from '../../../src/protocol/frames.ts';
import { useOpen } from '../components/paged.tsx';
import { Panel } from '../components/panel.tsx';
import { connection } from '../session.ts';
import { stretches, type Stretch } from './versions-stretches.ts';

const PAGE = 200;
const PAGES = 10;

const WIDTH = 1000;
const LANE = 34;
const MARGIN = 24;
const MOST = 8;

/** Looks through the newest `PAGES` pages of versions for roll-backs. */
export function Lineage({ newest }: { readonly newest: number | undefined }) {
  const [rows, setRows] = useState<readonly VersionRow[]>([]);
  const load = useCallback(() => {
    allRows().then(setRows, () => undefined);
  }, []);
  useOpen(load, '');
  if (newest === undefined) return null;
  const all = stretches(rows, newest);
  return all.length < 2 ? null : <Graph all={all} newest={newest} />;
}

async function allRows(): Promise<readonly VersionRow[]> {
  const rows: VersionRow[] = [];
  let before: number | null = null;
  for (let page = 0; page < PAGES; page++) {
    const { versions, next }: Requests['versions']['value'] = await connection.request('versions', {
      limit: PAGE,
      ...(before === null ? {} : { before }),
    });
    rows.push(...versions);
    before = next;
    if (next === null) break;
  }
  return rows;
}

function Graph({ all, newest }: { readonly all: readonly Stretch[]; readonly newest: number }) {
  const runs = all.slice(-MOST);
  const from = Math.min(...runs.map(({ start, parent }) => parent ?? start));
  const x = (n: number) => MARGIN + ((n - from) / Math.max(1, newest - from)) * (WIDTH - 2 * MARGIN);
  const y = (lane: number) => 20 + lane * LANE;
  const laneOf = (n: number) =>
    Math.max(
      0,
      runs.findLastIndex(({ start }) => start <= n),
    );
  const back = all.slice(1).map(({ start, parent }) => `version ${start} continued from ${parent}`);
  return (
    <Panel title="Lineage">
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Graph of the lineage">
        <svg
          class="lineage"
          viewBox={`0 0 ${WIDTH} ${runs.length * LANE + 14}`}
          role="img"
          aria-label={`Roll-backs: ${back.join('; ')}`}
        >
          {runs.map(({ start, end, parent, alive }, lane) => (
            <g key={start}>
              {parent === null || lane === 0 ? null : (
                <path
                  class={alive >= start ? 'lineage-line' : 'lineage-line gone'}
                  d={`M${x(parent)} ${y(laneOf(parent))}C${x(parent)} ${y(lane)} ${x(parent)} ${y(lane)} ${x(start)} ${y(lane)}`}
                />
              )}
              <line class="lineage-line gone" x1={x(Math.max(start, from))} x2={x(end)} y1={y(lane)} y2={y(lane)} />
              {alive < start ? null : (
                <line class="lineage-line" x1={x(Math.max(start, from))} x2={x(alive)} y1={y(lane)} y2={y(lane)} />
              )}
              <circle
                class={alive >= start ? 'lineage-dot' : 'lineage-dot gone'}
                cx={x(Math.max(start, from))}
                cy={y(lane)}
                r="5"
              />
              <circle class={alive >= end ? 'lineage-dot' : 'lineage-dot gone'} cx={x(end)} cy={y(lane)} r="5" />
              <text
                class="lineage-text"
                x={x(end)}
                y={y(lane) - 9}
                text-anchor={x(end) > WIDTH - 60 ? 'end' : 'middle'}
              >
                {end}
              </text>
              {parent === null || lane === 0 ? null : (
                <text class="lineage-text" x={x(parent)} y={y(laneOf(parent)) - 9} text-anchor="middle">
                  {parent}
                </text>
              )}
            </g>
          ))}
        </svg>
      </div>
      <ul class="lineage-list small muted">
        {all.slice(1).map(({ start, parent }) => (
          <li key={start}>
            Version {start} continued from version {parent}
            {start - 1 > (parent ?? 0) ? `; versions ${(parent ?? 0) + 1} to ${start - 1} are not in it` : ''}.
          </li>
        ))}
      </ul>
    </Panel>
  );
}
