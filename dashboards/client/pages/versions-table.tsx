/** Lists versions, newest first, with the metrics of the step that made each. */
import type { VersionRow } from '../../../src/protocol/frames.ts';
import { Badge } from '../components/badge.tsx';
import { Time } from '../components/time.tsx';
import { count, duration, number, percent, points, significant } from '../format.ts';
import { href } from '../router.ts';
import { useLive } from '../session.ts';

export interface VersionTableProps {
  readonly rows: readonly VersionRow[];
  readonly newest: number | undefined;
  /** Undefined without control access. */
  readonly onRollBack: ((row: VersionRow) => void) | undefined;
}

export function VersionTable({ rows, newest, onRollBack }: VersionTableProps) {
  const base = useLive((live) => live.accuracy.baseline?.greedy ?? null) ?? null;
  const best = useLive((live) => live.accuracy.best?.version ?? live.labelFree?.best ?? null) ?? null;
  const measure = useLive((live) =>
    live.labelFree !== undefined && live.accuracy.now === null ? 'Held-out answers' : 'Held-out accuracy',
  );
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="Table of versions">
      <table class="table versions">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Made</th>
            <th scope="col" class="right">
              {measure}
            </th>
            <th scope="col" class="right">
              KL to base
            </th>
            <th scope="col" class="right">
              Entropy
            </th>
            <th scope="col" class="right">
              Clipped
            </th>
            <th scope="col" class="right">
              Gradient
            </th>
            <th scope="col" class="right">
              Learning rate
            </th>
            <th scope="col" class="right">
              Tokens
            </th>
            <th scope="col" class="right">
              Step
            </th>
            <th scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.n} row={row} base={base} best={row.n === best} newest={newest} onRollBack={onRollBack} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps extends Pick<VersionTableProps, 'newest' | 'onRollBack'> {
  readonly row: VersionRow;
  readonly base: number | null;
  readonly best: boolean;
}

function Row({ row, base, best, newest, onRollBack }: RowProps) {
  const { n, parent, metrics, saved, comparable } = row;
  const rolledBack = parent !== null && parent !== n - 1;
  return (
    <tr data-version={n}>
      <th scope="row">
        <span class="version-name">
          <a href={href('rollouts', [], { version: n })} title={`Groups that version ${n} sampled`}>
            {n}
          </a>
          {n === newest ? <Badge tone="accent">newest</Badge> : null}
          {best ? <Badge tone="ok">best</Badge> : null}
          {n === 0 ? <Badge>base</Badge> : null}
          {rolledBack ? <Badge tone="warn">from {parent}</Badge> : null}
        </span>
      </th>
      <td class="nowrap">
        <Time at={row.at} />
      </td>
      <td class="right nowrap">
        <Greedy row={row} base={base} />
      </td>
      <td class="right">{significant(metrics?.kl)}</td>
      <td class="right">{significant(metrics?.entropy)}</td>
      <td class="right">{percent(metrics?.clipFraction)}</td>
      <td class="right">{significant(metrics?.gradNorm)}</td>
      <td class="right">{number(metrics?.learningRate, 3)}</td>
      <td class="right">{count(metrics?.tokens)}</td>
      <td class="right nowrap">{duration(metrics?.seconds)}</td>
      <td class="version-actions">
        {comparable && n !== 0 ? (
          <a class="button small" href={href('versions', ['compare'], { a: 0, b: n })}>
            Compare<span class="visually-hidden"> version {n} with the base</span>
          </a>
        ) : null}
        {saved ? (
          <a
            class="button small"
            href={`./versions/${n}.tar`}
            download={`quorum-v${n}.tar`}
            title="A Hugging Face folder, as a tar file"
          >
            Download<span class="visually-hidden"> version {n}</span>
          </a>
        ) : null}
        {saved && onRollBack !== undefined && n !== newest ? (
          <button type="button" class="button small danger" onClick={() => onRollBack(row)}>
            Roll back<span class="visually-hidden"> to version {n}</span>
          </button>
        ) : null}
      </td>
    </tr>
  );
}

function Greedy({
  row: { n, greedy, full, labelFree },
  base,
}: {
  readonly row: VersionRow;
  readonly base: number | null;
}) {
  if (greedy === null) {
    return labelFree === null ? (
      <span class="faint">–</span>
    ) : (
      <span
        title={`No labels: share of ${labelFree.n} held-out questions answered as by the base; vote share ${percent(labelFree.voteShare)}`}
      >
        {percent(labelFree.asBase)} <span class="faint">as the base</span>
      </span>
    );
  }
  const title =
    full === null
      ? undefined
      : `pass@1 ${percent(full.pass1)}, maj@${full.k} ${percent(full.majK)}, pass@${full.k} ${percent(full.passK)} on ${full.n} questions`;
  return (
    <span title={title}>
      <b>{percent(greedy)}</b>{' '}
      {base === null || n === 0 ? null : (
        <span class={greedy < base ? 'worse' : 'better'}>{points(greedy - base)}</span>
      )}
    </span>
  );
}
