/**
 * The work of a response: premises (what it lists before its first step), steps (equations), and the conclusion (the
 * box). `3 8 1 3+8=11 11+1=12 \boxed{12}` has three premises, two steps and the conclusion 12. Work in prose has steps
 * wherever it writes an equation, in LaTeX or not: `so 3 × 4 = 12 cm`.
 */
import { extractAnswer } from '../answer.ts';
import { isUnit } from './names.ts';
import type { Formula, Operand } from './formula.ts';
import { formulasOf, type Element } from './formulas.ts';
import { tokensOf } from './tokens.ts';

/** A longer response is not read: its work is unknown. */
const MAX_CHARS = 20_000;
/** Why a check abstains of work that is null. */
export const TOO_LONG = 'it is too long to read';
const MAX_STEPS = 200;
const AROUND = 40;

/** An equation of two or more sides, of which at least one calculates: `2+3=5`, `A = 3 × 4 = 12`. */
export interface Step {
  readonly text: string;
  /** Offsets in the text that is read, which begins at `Work.offset`. */
  readonly start: number;
  readonly end: number;
  readonly sides: readonly Formula[];
  /** The text around it, some characters. */
  readonly before: string;
  readonly after: string;
}

/** A number that is listed. */
export interface Premise extends Operand {
  /** Offsets in the text that is read, sign included. */
  readonly start: number;
  readonly end: number;
}

export interface Work {
  /** Of the text that is read in the response: it begins after a thought. */
  readonly offset: number;
  readonly premises: readonly Premise[];
  readonly steps: readonly Step[];
  readonly conclusion: string | null;
  /** All expressions before the box, also those of no step. */
  readonly formulas: readonly Formula[];
  /** The text before the box. */
  readonly text: string;
  /** Whether it is numbers, units and signs alone, so that everything in it is work. */
  readonly wordless: boolean;
}

const LIST = /^[+\-−]?\d+(?:\.\d+)?(?:(?:\s*[,;]\s*|\s+)[+\-−]?\d+(?:\.\d+)?)*\s*[:;,.]?$/;

/** Null for a response that is too long to read, or has too many steps. */
export function readWork(response: string): Work | null {
  if (response.length > MAX_CHARS) return null;
  const thought = response.lastIndexOf('</think>');
  const offset = thought < 0 ? 0 : thought + '</think>'.length;
  const text = response.slice(offset);
  const tokens = tokensOf(text);
  const elements = formulasOf(tokens, text);
  const steps = stepsOf(elements, text);
  if (steps.length > MAX_STEPS) return null;
  const box = tokens.findLast(({ kind }) => kind === 'box')?.start ?? text.length;
  const before = text.slice(0, Math.min(box, steps[0]?.start ?? box));
  return {
    offset,
    premises: listIn(before) ?? [],
    steps,
    conclusion: extractAnswer(response),
    formulas: elements.filter((element) => element.kind === 'formula').filter(({ start }) => start < box),
    text: text.slice(0, box),
    wordless: tokens.every(({ kind, text: name }) => kind !== 'name' || isUnit(name)),
  };
}

/** The one formula that a text is; null where it is anything else, or holds a variable. */
export function formulaIn(text: string): Formula | null {
  const [formula, ...more] = formulasOf(tokensOf(text), text);
  return formula?.kind === 'formula' && formula.readable && more.length === 0 ? formula : null;
}

/** A list of numbers, each with its sign; null for any other text. */
export function listIn(text: string): Premise[] | null {
  if (!LIST.test(text.trim())) return null;
  return [...text.matchAll(/([+\-−]?)(\d+(?:\.\d+)?)/g)].map(({ 0: { length }, 1: sign, 2: number = '', index }) => ({
    number,
    sign: sign === '−' || sign === '-' ? '-' : sign === '+' ? '+' : '',
    start: index,
    end: index + length,
  }));
}

function stepsOf(elements: readonly Element[], text: string): Step[] {
  return chainsOf(elements)
    .filter((sides) => sides.some(({ calculates }) => calculates))
    .map((sides) => {
      const [start, end] = [sides[0]?.start ?? 0, sides.at(-1)?.end ?? 0];
      const [before, after] = [text.slice(Math.max(0, start - AROUND), start), text.slice(end, end + AROUND)];
      return { text: text.slice(start, end), start, end, sides, before, after };
    });
}

/** `a = b = c` is one chain, also where a new line begins with its sign. */
function chainsOf(elements: readonly Element[]): Formula[][] {
  const chains: Formula[][] = [];
  let last: Element | undefined;
  elements.forEach((element, i) => {
    if (element.kind !== 'relation') return;
    const [left, right] = [elements[i - 1], elements[i + 1]];
    if (right?.kind !== 'formula') return;
    const from = left?.kind === 'line' ? elements[i - 2] : left;
    if (from?.kind !== 'formula') return;
    if (from === last) chains.at(-1)?.push(right);
    else chains.push([from, right]);
    last = right;
  });
  return chains;
}

const DENIED =
  /^[\s$)*]*(?:\?|and an? (?:half|third|quarter)|,?\s*(?:which |this |that )?(?:is|was)(?:n['’]t| not| wrong| incorrect| false| a mistake| impossible))/;
const SUPPOSED = /\b(?:not|isn['’]t|if|suppose)\s+\$*$/;

/** Whether the text doubts or denies a step: `3+4=8?`. */
export const isQuestioned = ({ before, after }: Step): boolean => DENIED.test(after) || SUPPOSED.test(before);
