/** The curriculum's numbers for the status, and a sentence where there is nothing to choose among. */
import { LASTS, type Arm } from '../src/learn/curriculum/arm.ts';
import type { Curriculum } from '../src/learn/curriculum/curriculum.ts';
import type { Last } from '../src/protocol/curriculum.ts';
import type { ClusterStatus, CurriculumStatus } from '../src/protocol/status.ts';

/** Clusters in a status, at most. */
const SHOWN = 24;

/** @param nothing why there is nothing to choose among. */
export function curriculumStatus(curriculum: Curriculum, nothing?: string): CurriculumStatus {
  const clusters: ClusterStatus[] = [];
  for (let at = 0; at < curriculum.arms.length; at += LASTS.length)
    clusters.push(clusterStatus(curriculum.arms.slice(at, at + LASTS.length)));
  return {
    ...countsOf(curriculum),
    expected: curriculum.expected,
    clusters: clusters.length,
    ...(nothing !== undefined && { nothing }),
    most: clusters.toSorted((a, b) => b.asked - a.asked).slice(0, SHOWN),
  };
}

/** In which figure of the status a question is counted, by its last outcome. */
const SHOWN_AS = {
  fresh: 'fresh',
  retired: 'known',
  known: 'known',
  sure: 'split',
  split: 'split',
  near: 'lost',
  lost: 'lost',
} as const satisfies Record<Last, keyof CurriculumStatus>;

function countsOf(curriculum: Curriculum): Pick<CurriculumStatus, 'fresh' | 'split' | 'known' | 'lost'> {
  const counts = { fresh: 0, split: 0, known: 0, lost: 0 };
  for (const arm of curriculum.arms) counts[SHOWN_AS[arm.last]] += arm.size;
  for (const { last } of curriculum.out) counts[SHOWN_AS[last]] += 1;
  return counts;
}

function clusterStatus(arms: readonly Arm[]): ClusterStatus {
  const sum = (of: (arm: Arm) => number) => arms.reduce((total, arm) => total + of(arm), 0);
  const retired = arms[LASTS.indexOf('retired')]!;
  return {
    name: retired.cluster,
    questions: sum(({ size }) => size),
    asked: sum(({ row }) => row.asked),
    kept: sum(({ row }) => row.kept),
    retired: retired.size,
    returned: retired.row.asked,
    forgotten: retired.row.kept,
  };
}

/**
 * Undefined while the answers to some question are split, or one was not asked yet. @param isWhole whether the source
 * has no question that the curriculum has not read.
 */
export function nothingToChoose(curriculum: Curriculum, isWhole: boolean): string | undefined {
  const { fresh, split, known, lost } = countsOf(curriculum);
  const all = fresh + split + known + lost;
  if (all === 0) return undefined;
  const then = `the curriculum asks ${all === 1 ? 'it again' : 'them in turn, those asked the longest ago first'}`;
  if (fresh + split === 0) {
    if (lost === 0) return `${all === 1 ? 'the one question is' : `all ${all} questions are`} known: ${then}`;
    if (known === 0)
      return `${all === 1 ? 'the one question has no' : `none of ${all} questions has a`} trusted vote: ${then}`;
    return `no question teaches anything now (${known} known, ${lost} without a trusted vote): ${then}`;
  }
  if (!isWhole || curriculum.arms.length > LASTS.length) return undefined;
  if (all === 1) return `there is one question: ${then}`;
  return `all ${all} questions are of one kind: the curriculum chooses by the last outcome alone`;
}
