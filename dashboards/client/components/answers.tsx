/**
 * Marks equivalent answers on every page: each equivalence class has a letter and a colour, A for the winner of the
 * vote.
 */
import './answers.css';
import type { GroupCard } from '../../../src/protocol/frames.ts';

/** One equivalence class of a group, ready to show. */
export interface AnswerClass {
  /** 0 is the winner, the others follow by votes; -1 is no answer, -2 an answer whose vote a check took. */
  readonly rank: number;
  /** The first answer of the class, verbatim; null below rank 0. */
  readonly answer: string | null;
  readonly votes: number;
}

const SILENT = -1;
const LOST = -2;

/** For the responses without a vote. */
export function voteless(rank: number): 'vote lost' | 'no answer' {
  return rank === LOST ? 'vote lost' : 'no answer';
}

/** A to Z, then numbers. */
export function letter(rank: number): string {
  if (rank < 0) return rank === LOST ? '×' : '–';
  return rank < 26 ? String.fromCharCode(65 + rank) : String(rank + 1);
}

/** CSS class of a rank's colours; colours repeat after eight ranks, letters do not. */
export function tone(rank: number): string {
  return rank < 0 ? 'class-none' : `class-${rank % 8}`;
}

type Voted = Pick<GroupCard, 'answers' | 'classes' | 'winner'>;

/** The classes of a group, the winner first, responses without a vote last; `ranks` is parallel to the responses. */
export function answerClasses({ answers, classes, winner }: Voted): {
  readonly shown: readonly AnswerClass[];
  readonly ranks: readonly number[];
} {
  const labels = classes.map((label, i) => (label < 0 && answers[i] !== null ? LOST : label));
  const votes = new Map<number, number>();
  for (const label of labels) votes.set(label, (votes.get(label) ?? 0) + 1);
  const order = [...votes.keys()]
    .filter((label) => label >= 0)
    .sort((a, b) => Number(b === winner) - Number(a === winner) || votes.get(b)! - votes.get(a)! || a - b);
  const rankOf = new Map(order.map((label, rank) => [label, rank]));
  const shown: AnswerClass[] = order.map((label, rank) => ({
    rank,
    answer: answers[classes.indexOf(label)] ?? null,
    votes: votes.get(label)!,
  }));
  for (const rank of [LOST, SILENT]) {
    const count = votes.get(rank);
    if (count !== undefined) shown.push({ rank, answer: null, votes: count });
  }
  return { shown, ranks: labels.map((label) => rankOf.get(label) ?? label) };
}

export function ClassMark({ rank }: { readonly rank: number }) {
  return (
    <span class={`class-mark ${tone(rank)}`} aria-hidden="true">
      {letter(rank)}
    </span>
  );
}

/** A bar whose parts are proportional to the classes' votes. */
export function VoteBar({ classes, total }: { readonly classes: readonly AnswerClass[]; readonly total: number }) {
  let from = 0;
  const words = classes
    .map(
      ({ rank, answer, votes }) =>
        `${rank < 0 ? voteless(rank) : `${letter(rank)}, ${answer ?? ''}`}: ${votes} of ${total}`,
    )
    .join('; ');
  return (
    <svg
      class="vote-bar"
      viewBox="0 0 100 8"
      preserveAspectRatio="none"
      role="img"
      aria-label={`Votes: ${words || 'none'}`}
    >
      <rect class="vote-ground" width="100" height="8" />
      {classes.map(({ rank, votes }) => {
        const width = (votes / Math.max(1, total)) * 100;
        const x = from;
        from += width;
        return (
          <rect
            key={rank}
            class={`vote-part ${tone(rank)}`}
            x={x}
            width={from < 99.9 ? Math.max(0, width - 0.6) : width}
            height="8"
          />
        );
      })}
    </svg>
  );
}
