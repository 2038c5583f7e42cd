/** Connects a chart to its board while its element is on the page. */
import type { Board, ChartView } from './board.ts';

/**
 * Draws the chart with its board while the element is on the screen or near it, and calls `resized` when the element's
 * size changes. @returns a function that ends both.
 */
export function showOn(
  board: Board,
  chart: ChartView & { visible: boolean },
  element: Element,
  resized: () => void,
): () => void {
  const sized = new ResizeObserver(resized);
  sized.observe(element);
  const seen = new IntersectionObserver(
    ([entry]) => {
      chart.visible = entry?.isIntersecting === true;
      if (chart.visible) board.redraw();
    },
    { rootMargin: '200px' },
  );
  seen.observe(element);
  const detach = board.attach(chart);
  return () => {
    detach();
    seen.disconnect();
    sized.disconnect();
  };
}
