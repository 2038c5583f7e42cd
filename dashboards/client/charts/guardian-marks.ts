/** The guardian's decisions as marks on the accuracy chart. */
import type { EventRow } from '../../../src/protocol/frames.ts';
import type { Mark } from './plot.ts';

/** Only the newest marks are drawn; more would hide the line. */
export const MOST_MARKS = 60;
const LOOKS: Readonly<Record<string, Pick<Mark, 'label' | 'colour'>>> = {
  watch: { label: '', colour: '--warn' },
  act: { label: 'collapse', colour: '--bad' },
  hold: { label: 'held', colour: '--bad' },
};

/** @param events of type `guardian`, oldest first; duplicates are allowed. */
export function guardianMarks(events: readonly EventRow[]): readonly Mark[] {
  const rows = new Map(events.map((event) => [event.id, event]));
  return [...rows.values()].flatMap(markOf).slice(-MOST_MARKS);
}

function markOf({ data }: EventRow): readonly Mark[] {
  const { level, version } = data as { readonly level?: string; readonly version?: number };
  const look = LOOKS[level ?? ''];
  return look === undefined || typeof version !== 'number' ? [] : [{ ...look, value: null, step: version }];
}
