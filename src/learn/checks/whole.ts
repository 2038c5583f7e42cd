/**
 * The check `whole`: the work of a response is whole. Its steps start from what it lists, use all of it, feed each result
 * into a later step, and end in the box; and it does not do less than the question's other responses.
 *
 * Strict where a response is numbers and signs alone. In prose a side calculation is honest and premises are in words, so
 * it denies only an answer that comes from nowhere in the work, and abstains where it is unsure.
 */
import type { CheckFinding } from '../../protocol/messages.ts';
import { equivalent } from '../equivalence/index.ts';
import { flowOf, lastSide, operandsOf, type Fault } from './flow.ts';
import type { Formula, Operand } from './formula.ts';
import { agree, valueOf } from './value.ts';
import { formulaIn, isQuestioned, readWork, TOO_LONG, type Step, type Work } from './work.ts';

/**
 * Work that does less has no vote where at least this share of the question's other responses does more. Not any other:
 * at a question without a step one response that misreads it adds one.
 */
const SHARE_THAT_DOES_MORE = 0.25;
/** Words can be work without a step, unless they are this much shorter than work with steps. */
const SHORT = 0.5;

/** How much of what there is to do a response does. */
type Does = 'nothing' | 'steps without a list' | 'a selection' | 'all';

interface Own {
  readonly finding: CheckFinding;
  readonly does: Does;
  readonly constantAt?: number | undefined;
}

/** @param responses to one question; a finding each. */
export function checkWhole(responses: readonly string[]): CheckFinding[] {
  const works = responses.map(readWork);
  const owns = works.map((work) => (work && work.conclusion !== null ? ownOf(work) : null));
  return owns.map((own, i) => {
    const work = works[i];
    if (!own || !work) return { vote: null, why: work ? 'it has no answer' : TOO_LONG };
    const others = owns.flatMap((other, j) =>
      other && j !== i ? [{ ...other, length: works[j]?.text.length ?? 0 }] : [],
    );
    return lessThan(others, own, work) ?? otherwise(others, own, work) ?? own.finding;
  });
}

function lessThan(
  others: readonly (Own & { length: number })[],
  { finding, does }: Own,
  work: Work,
): CheckFinding | undefined {
  if (does === 'all' || finding.vote === false) return undefined;
  const more = others.filter((other) => (does === 'nothing' ? other.does !== 'nothing' : other.does === 'all'));
  if (more.length === 0 || more.length < SHARE_THAT_DOES_MORE * others.length) return undefined;
  const many = `${more.length} of the ${others.length} others`;
  if (does === 'a selection') return { vote: false, why: `it leaves out numbers of its list, which ${many} use` };
  if (does === 'steps without a list')
    return work.wordless ? { vote: false, why: `it does not list what it reads, as ${many} do` } : undefined;
  const lengths = more.map(({ length }) => length).toSorted((a, b) => a - b);
  const isShort = work.wordless || work.text.trim().length < SHORT * (lengths[lengths.length >> 1] ?? 0);
  return isShort
    ? { vote: false, why: `it shows no step, as ${many} do` }
    : { vote: null, why: 'its work is in words' };
}

/** `14+6=20 20-8=12`, where most of the others whose work is whole need no number from nowhere. */
function otherwise(others: readonly Own[], { finding, constantAt }: Own, work: Work): CheckFinding | undefined {
  if (constantAt === undefined || finding.vote !== true) return undefined;
  const whole = others.filter((other) => other.finding.vote === true && other.does === 'all');
  const without = whole.filter((other) => other.constantAt === undefined).length;
  if (2 * without <= whole.length) return undefined;
  const why = `its last step has a number from nowhere; ${without} of the others have none`;
  return denied(work, { why, at: constantAt });
}

/** Denies the vote for a fault of the work's own. */
function denied({ offset, text }: Work, { at = text.length, ...words }: Fault): CheckFinding {
  return { vote: false, ...words, falseFrom: offset + at };
}

function ownOf(work: Work): Own {
  if (work.steps.length === 0) return withoutStep(work);
  if (work.premises.length > 0) return fromList(work);
  return { finding: work.wordless ? fromSteps(work) : fromProse(work), does: 'steps without a list' };
}

/** A list of one number can be the answer; one of several may have it as its largest or smallest. */
function withoutStep(work: Work): Own {
  const { premises, conclusion } = work;
  if (premises.length === 0) return { finding: { vote: null, why: 'it shows no step' }, does: 'nothing' };
  const values = premises.map(valueIn);
  const picked = [Math.min(...values), Math.max(...values)].some((value) => isNumber(conclusion, String(value)));
  const why =
    premises.length === 1 ? 'its answer is not the number that it reads' : 'it lists numbers and shows no step';
  return { finding: picked ? { vote: true } : denied(work, { why }), does: 'nothing' };
}

function fromList(work: Work): Own {
  const { fault, unused, constantAt } = flowOf(work.premises, work.steps);
  const wrong = fault ?? wrongEnd(work);
  if (wrong) return { finding: denied(work, wrong), does: 'all' };
  if (unused.length === 0) return { finding: { vote: true }, does: 'all', constantAt };
  if (selectsEnds(work, unused)) return { finding: { vote: true }, does: 'a selection' };
  return {
    finding: denied(work, { why: `it does not use the ${unused[0]} that it lists`, at: constantAt }),
    does: 'all',
  };
}

/** `3 5 2 5-2=3`: the largest and the smallest of a list. */
function selectsEnds({ premises, steps }: Work, unused: readonly string[]): boolean {
  const used = steps.flatMap(operandsOf).map(({ number }) => Number(number));
  const values = premises.map(valueIn);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (
    steps.length === 1 &&
    used.length === 2 &&
    unused.length === premises.length - 2 &&
    Math.min(...used) === low &&
    Math.max(...used) === high
  );
}

const valueIn = ({ sign, number }: Operand): number => Number(number) * (sign === '-' ? -1 : 1);

function wrongEnd({ conclusion, steps }: Work): Fault | undefined {
  const last = steps.at(-1);
  const side = last && lastSide(last);
  if (!last || !side || conclusion === null || isSame(conclusion, side, last)) return undefined;
  return { why: `its answer is not its last result, ${textOf(side, last)}`, step: last.text };
}

/** Without a list any number may be a premise. */
function fromSteps(work: Work): CheckFinding {
  const wrong = idleResult(work.steps) ?? wrongEnd(work);
  return wrong ? denied(work, wrong) : { vote: true };
}

/** A result, written as a number, that no later step mentions. */
function idleResult(steps: readonly Step[]): Fault | undefined {
  for (const [i, step] of steps.slice(0, -1).entries()) {
    const side = lastSide(step);
    const found = side !== undefined && !side.calculates && operandsOf(step).length > 0;
    if (found && !steps.slice(i + 1).some(({ sides }) => sides.some((later) => mentions(later, side))))
      return { why: `it does not use its result ${textOf(side, step)}`, step: step.text };
  }
  return undefined;
}

function mentions(later: Formula, { spelt }: Formula): boolean {
  if (later.spelt.includes(spelt)) return true;
  return later.operands.some(({ number }) => agree(spelt, number, '=') === true);
}

function fromProse(work: Work): CheckFinding {
  const { conclusion, steps } = work;
  const last = steps.at(-1);
  const answer = conclusion === null ? null : formulaIn(conclusion);
  if (conclusion === null || !answer || !last)
    return { vote: null, why: 'its answer is no number that a step could give' };
  if (last.sides.some((side) => isSame(conclusion, side, last)))
    return idleResult(steps) ? { vote: null, why: 'it has a result that its other steps do not use' } : { vote: true };
  const unsure = steps.some((step) => isQuestioned(step) || operandsOf(step).length === 0) || says(work, answer.spelt);
  return unsure
    ? { vote: null, why: 'its answer is not its last result, and may come from its words' }
    : denied(work, { why: 'no step gives its answer', step: last.text });
}

const WORDS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** Whether the work has the number anywhere: as a part of a step, in a sentence, as a percentage, rounded or unsigned. */
function says({ formulas, text }: Work, answer: string): boolean {
  const forms = [answer, `-(${answer})`, `(${answer})*100`, `(${answer})/100`];
  const near = valueOf(answer)?.near ?? NaN;
  const word = WORDS[Number(answer)];
  if (word !== undefined && new RegExp(`\\b${word}\\b`, 'i').test(text)) return true;
  return formulas.some(({ spelt, operands }) =>
    [spelt, ...operands.map(({ number }) => number)].some(
      (part) =>
        Math.round(valueOf(part)?.near ?? NaN) === near || forms.some((form) => agree(part, form, '=') === true),
    ),
  );
}

const textOf = (side: Formula, { text, start }: Step): string => text.slice(side.start - start, side.end - start);

/** An answer and a result: to the digits written, or as the vote has it. */
function isSame(answer: string, side: Formula, step: Step): boolean {
  return side.readable && (isNumber(answer, side.spelt) || equivalent(answer, textOf(side, step)));
}

function isNumber(answer: string | null, spelt: string): boolean {
  if (answer === null || answer === spelt) return answer !== null;
  const formula = formulaIn(answer);
  return formula !== null && agree(formula.spelt, spelt, '=') === true;
}
