/** From the marks of held-out questions to their accuracy: over all, by kind and by level. */
import { mean } from '../lib/mean.ts';
import type { Accuracy } from '../protocol/messages.ts';

/** The result of one question's samples. */
export interface Marks {
  readonly kind: string;
  readonly level?: number | undefined;
  /** The first sample's answer. */
  readonly answer: string | null;
  /** Share of the samples that are right. */
  readonly right: number;
  /** pass@k of all k samples: 1 if any is right. */
  readonly passK: number;
  /** Whether the majority is right. */
  readonly majority: boolean;
}

/** With more, each has too few questions to follow over versions. */
const MOST_LEVELS = 32;

export function accuracy(greedy: readonly Marks[], sampled: readonly Marks[], k: number): Accuracy {
  const kinds = [...new Set(greedy.map(({ kind }) => kind))].toSorted();
  const byKind = kinds.map((kind) => {
    const of = greedy.filter((marks) => marks.kind === kind);
    return [kind, { n: of.length, greedy: mean(of.map(({ right }) => right)) }] as const;
  });
  return {
    n: greedy.length,
    k,
    greedy: mean(greedy.map(({ right }) => right)),
    pass1: mean(sampled.map(({ right }) => right)),
    majK: mean(sampled.map(({ majority }) => Number(majority))),
    passK: mean(sampled.map(({ passK }) => passK)),
    byKind: Object.fromEntries(byKind),
    ...byLevel(greedy),
  };
}

/** What every evaluation tells of levels: nothing where there are more than can be followed. */
export function followedLevels(greedy: readonly Marks[]): Pick<Accuracy, 'levels'> {
  const by = byLevel(greedy);
  return Object.keys(by.levels ?? {}).length > MOST_LEVELS ? {} : by;
}

function byLevel(greedy: readonly Marks[]): Pick<Accuracy, 'levels'> {
  const levels = [...new Set(greedy.flatMap(({ level }) => level ?? []))].toSorted((a, b) => a - b);
  if (levels.length === 0) return {};
  const of = (level: number) => mean(greedy.filter((marks) => marks.level === level).map(({ right }) => right));
  return { levels: Object.fromEntries(levels.map((level) => [String(level), of(level)])) };
}
