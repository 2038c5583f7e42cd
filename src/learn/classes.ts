/**
 * Distinct answers -> classes. Equality of answers is not transitive: `12` fits `12 cm` and `12 m`, `50%` fits `0.5`
 * and `50`. Such an ambiguous answer joins the larger class that it fits and never merges two classes.
 */
import type { Answer } from './equivalence/index.ts';
import type { Value } from './equivalence/value.ts';

export interface Candidate {
  readonly answer: Answer;
  /** Number of responses with this answer. */
  readonly votes: number;
}

/** A class of answers: indices into the candidates, in order, so that the first is the one seen first. */
interface Class {
  readonly members: number[];
  votes: number;
}

/**
 * Class of each candidate, 0-based in order of first appearance. Candidates are in order of appearance; `same(i, j)` is
 * asked with i < j.
 */
export async function classesOf(
  candidates: readonly Candidate[],
  same: (i: number, j: number) => Promise<boolean>,
): Promise<number[]> {
  const stated = await statedAlike(candidates, same);
  const fits = await fitting(stated, same);
  const isFirm = stated.map((_, i) =>
    neighbours(fits, i).every((j) => neighbours(fits, i).every((k) => j === k || fits[j]?.[k] === true)),
  );
  const classes: Class[] = [];
  // Equality of firm answers is transitive, so the first match decides the class.
  const classIn = (i: number) => classes.filter(({ members }) => members.some((j) => fits[i]?.[j] === true));
  const join = (i: number, found: Class | undefined) => {
    const votes = stated[i]?.votes ?? 0;
    if (found === undefined) return classes.push({ members: [i], votes });
    found.members.push(i);
    found.votes += votes;
    return classes.length;
  };
  stated.forEach((_, i) => isFirm[i] && join(i, classIn(i)[0]));
  // Chosen for all before any joins, so that their order does not matter.
  const ambiguous = stated.flatMap((_, i) => (isFirm[i] ? [] : [{ i, found: largest(classIn(i)) }]));
  for (const { i, found } of ambiguous) if (found) join(i, found);
  // Answers that fit only ambiguous answers.
  for (const { i, found } of ambiguous)
    if (!found) join(i, largest(classes.filter(({ members }) => members.every((j) => fits[i]?.[j] === true))));
  return numbered(classes.map(({ members }) => members.flatMap((i) => stated[i]?.members ?? [])));
}

const neighbours = (fits: readonly (readonly boolean[])[], i: number): number[] =>
  (fits[i] ?? []).flatMap((does, j) => (does ? [j] : []));

/** Ties go to the class seen first. */
function largest(classes: readonly Class[]): Class | undefined {
  const first = ({ members }: Class): number => Math.min(...members);
  return classes.toSorted((a, b) => b.votes - a.votes || first(a) - first(b))[0];
}

/** Equal answers with the same statement: among them equality is transitive. */
async function statedAlike(
  candidates: readonly Candidate[],
  same: (i: number, j: number) => Promise<boolean>,
): Promise<Class[]> {
  const forms = candidates.map(({ answer }) => formOf(answer.value));
  const classes: Class[] = [];
  for (const [j, { votes }] of candidates.entries()) {
    let found: Class | undefined;
    for (const each of classes) {
      const [i = j] = each.members;
      if (forms[i] === forms[j] && (await same(i, j))) found = each;
      if (found) break;
    }
    if (found) {
      found.members.push(j);
      found.votes += votes;
    } else classes.push({ members: [j], votes });
  }
  return classes;
}

async function fitting(
  classes: readonly Class[],
  same: (i: number, j: number) => Promise<boolean>,
): Promise<boolean[][]> {
  const fits = classes.map(() => classes.map(() => false));
  for (const [b, { members: right }] of classes.entries()) {
    for (const [a, { members: left }] of classes.slice(0, b).entries()) {
      const [i = 0, j = 0] = [left[0], right[0]];
      const does = await same(Math.min(i, j), Math.max(i, j));
      for (const [x, y] of [
        [a, b],
        [b, a],
      ] as const)
        (fits[x] ?? [])[y] = does;
    }
  }
  return fits;
}

/**
 * The statement of an answer in addition to its value: a unit of some dimension, a percent sign, am or pm, a letter
 * with its text.
 */
function formOf(value: Value): string {
  switch (value.type) {
    case 'quantity':
      return value.percent
        ? 'percent'
        : `quantity ${value.unit?.dimension ?? ''}${value.unit?.other ? ` or ${value.unit.other.dimension}` : ''}`;
    case 'directed':
      return `directed ${value.way} ${formOf(value.amount)}`;
    case 'range':
      return `range ${value.ratio ? 'or ratio ' : ''}${value.ends.map(formOf).join(',')}`;
    case 'date':
      return `date ${value.iso.indexOf('-')}`;
    case 'choice':
      return value.rest === null ? 'choice' : 'choice with its text';
    case 'time':
      return `time ${value.meridiem ?? ''}`;
    case 'sequence':
      return `${value.open}${value.items.map(formOf).join(',')}${value.close}`;
    case 'union':
    case 'ratio':
    case 'either':
      return `${value.type} ${value.parts.map(formOf).join(',')}`;
    case 'relation':
      return `${formOf(value.left)} ${value.operator} ${formOf(value.right)}`;
    default:
      return value.type;
  }
}

/** The inverse of `classes`, whose numbers follow the candidates' order. */
function numbered(classes: readonly (readonly number[])[]): number[] {
  const numbers: number[] = [];
  const inOrder = classes.toSorted((a, b) => Math.min(...a) - Math.min(...b));
  inOrder.forEach((members, number) => members.forEach((i) => (numbers[i] = number)));
  return numbers;
}
