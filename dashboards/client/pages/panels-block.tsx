/** One block of a plug-in's panel. A plug-in's texts are always shown as text, never as markup. */
import { useEffect, useMemo } from 'preact/hooks';
import { Board } from '../charts/board.ts';
import { Chart } from '../charts/chart.tsx';
import { Stat } from '../components/summary.tsx';
import { number } from '../format.ts';
import { LinesSource, type PanelBlock } from './panels-lines.ts';

type Of<T extends PanelBlock['type']> = Extract<PanelBlock, { type: T }>;

const COLOURS = 6;

/** @param name for assistive technology. */
export function Block({ block, name }: { readonly block: PanelBlock; readonly name: string }) {
  switch (block.type) {
    case 'text':
      return <p class="block-text">{block.text}</p>;
    case 'numbers':
      return <Numbers block={block} />;
    case 'table':
      return <Table block={block} name={name} />;
    case 'lines':
      return <Lines block={block} />;
  }
}

function Numbers({ block: { rows } }: { readonly block: Of<'numbers'> }) {
  return (
    <dl class="stats">
      {rows.map(({ name, value, unit }, i) => (
        <Stat key={i} name={name} note={unit ?? ''}>
          {number(value)}
        </Stat>
      ))}
    </dl>
  );
}

function Table({ block: { columns, rows }, name }: { readonly block: Of<'table'>; readonly name: string }) {
  return (
    <div class="scroll-x block-table" tabIndex={0} role="group" aria-label={`Table ${name}`}>
      <table class="table">
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th key={i} scope="col" class={typeof rows[0]?.[i] === 'number' ? 'right' : ''}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={r}>
              {row.map((value, i) => (
                <td key={i} class={typeof value === 'number' ? 'right' : ''}>
                  {typeof value === 'number' ? number(value) : value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Lines({ block }: { readonly block: Of<'lines'> }) {
  const source = useMemo(() => new LinesSource(block), []);
  const board = useMemo(() => new Board(source), [source]);
  useEffect(() => source.show(block), [source, block]);
  const series = block.lines.map(({ name }, i) => ({
    column: String(i),
    label: name,
    colour: `--series-${(i % COLOURS) + 1}`,
  }));
  const title = block.lines.length === 1 ? block.lines[0]!.name : block.xName;
  // A chart is built for its series and axis, so they are its key.
  const key = JSON.stringify([block.xName, series.map(({ label }) => label)]);
  return <Chart key={key} board={board} title={title} series={series} format={number} xName={block.xName} />;
}
