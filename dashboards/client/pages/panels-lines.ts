/** Presents a plug-in's lines to a chart's board as a history, with x in place of the steps. */
import { cell } from '../cell.ts';
import type { BoardSource } from '../charts/board.ts';
import type { History, PanelCard } from '../../../src/protocol/frames.ts';

export type PanelBlock = NonNullable<PanelCard['content']>['blocks'][number];
type LinesBlock = Extract<PanelBlock, { type: 'lines' }>;

export class LinesSource implements BoardSource {
  readonly state = cell({ type: 'open' } as const);
  readonly #reload = new Set<() => void>();
  #block: LinesBlock;

  constructor(block: LinesBlock) {
    this.#block = block;
  }

  show(block: LinesBlock): void {
    if (block === this.#block) return;
    this.#block = block;
    for (const reload of this.#reload) reload();
  }

  /** Always returns all points: a zoomed range has no finer ones. */
  request(): Promise<History> {
    return Promise.resolve(historyOf(this.#block));
  }

  onUpdate(): () => void {
    return () => {};
  }

  onResync(listener: () => void): () => void {
    this.#reload.add(listener);
    return () => this.#reload.delete(listener);
  }
}

/** Names columns by their place, because two lines may have the same name. */
function historyOf({ x, lines }: LinesBlock): History {
  const order = x.map((_, i) => i).toSorted((a, b) => x[a]! - x[b]!);
  const steps = order.map((i) => x[i]!);
  const columns = Object.fromEntries(lines.map(({ y }, line) => [String(line), order.map((i) => y[i] ?? null)]));
  return { steps, at: steps, columns };
}
