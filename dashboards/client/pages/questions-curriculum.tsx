/** What the curriculum knows of the questions, and the clusters that it asks most. */
import { Panel } from '../components/panel.tsx';
import { Stat } from '../components/summary.tsx';
import { count, percent } from '../format.ts';
import { useLive } from '../session.ts';
import type { Live } from '../../../src/protocol/frames.ts';

type Known = NonNullable<Live['curriculum']>;

/** Empty where the curriculum is off. */
export function Curriculum() {
  const curriculum = useLive<Known | undefined>((live) => live.curriculum, same);
  return curriculum === undefined ? null : <Shown curriculum={curriculum} />;
}

function same(a: Known | undefined, b: Known | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function Shown({
  curriculum: { fresh, split, known, lost, expected, clusters, nothing, most },
}: {
  readonly curriculum: Known;
}) {
  return (
    <Panel title="Curriculum">
      <div class="stack">
        {nothing === undefined ? null : <p>{sentence(nothing)}</p>}
        <p class="muted small">
          Questions by their last group; of those chosen last, the share that is expected to be learnt from.
        </p>
        <dl class="stats" data-curriculum>
          <Stat name="not asked yet">{count(fresh)}</Stat>
          <Stat name="answers split" note="learnt from">
            {count(split)}
          </Stat>
          <Stat name="known" note="all agreed">
            {count(known)}
          </Stat>
          <Stat name="lost" note="no trusted vote">
            {count(lost)}
          </Stat>
          <Stat name="expected" note="to be learnt from">
            {expected === null ? '–' : percent(expected, 0)}
          </Stat>
        </dl>
        <Clusters clusters={clusters} most={most} />
      </div>
    </Panel>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const COLUMNS = ['questions', 'asked', 'kept', 'retired', 'returned', 'forgotten'] as const;

function Clusters({ clusters, most }: Pick<Known, 'clusters' | 'most'>) {
  if (most.length === 0) return <p class="muted">No question was read yet.</p>;
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Clusters of questions">
      <table class="table">
        <caption class="muted small caption">
          {most.length < clusters ? `The ${most.length} most asked of ${count(clusters)} kinds` : 'By kind'}
        </caption>
        <thead>
          <tr>
            <th scope="col">Kind and look</th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" class="right">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {most.map((cluster) => (
            <tr key={cluster.name} data-cluster={cluster.name}>
              <th scope="row">{cluster.name}</th>
              {COLUMNS.map((column) => (
                <td key={column} class="right">
                  {count(cluster[column])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
