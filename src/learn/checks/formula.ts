/** One expression of a response: while it is read, and as it is for the checks. */
import type { Token } from './tokens.ts';

/** A number as an expression has it, with the sign before it. */
export interface Operand {
  /** As the calculator spells it: `12`, `0.5`. */
  readonly number: string;
  readonly sign: '+' | '-' | '';
}

export interface Formula {
  readonly kind: 'formula';
  /** What ties it to the expression before it, if anything does. */
  readonly relation: '=' | '≈';
  /** For the calculator: without units. */
  readonly spelt: string;
  /** Offsets in the response, with units. */
  readonly start: number;
  readonly end: number;
  readonly units: readonly string[];
  /** Its numbers, without exponents and indices of roots. */
  readonly operands: readonly Operand[];
  /** Whether there is anything to calculate in it. */
  readonly calculates: boolean;
  /** False where it has a variable, or what the calculator does not read. */
  readonly readable: boolean;
  /** Whether another reading is as likely, so that an equation which is false under this one may be true. */
  readonly doubtful: boolean;
}

/** A formula that is being read. */
export interface Draft {
  spelt: string;
  start: number;
  end: number;
  readonly units: string[];
  readonly operands: Operand[];
  calculates: boolean;
  readable: boolean;
  doubtful: boolean;
  /** An operand comes next. */
  expects: boolean;
  /** What comes next is an exponent. */
  raises: boolean;
  /** Those that are open: whether they hold an exponent, or an index. */
  readonly brackets: { readonly raised: boolean; readonly index: boolean }[];
  last: string;
  /** The last token is a unit. */
  unit: boolean;
  /** It has a name that is no unit. */
  named: boolean;
}

export const emptyDraft = (): Draft => ({
  spelt: '',
  start: 0,
  end: 0,
  units: [],
  operands: [],
  calculates: false,
  readable: true,
  doubtful: false,
  expects: true,
  raises: false,
  brackets: [],
  last: '',
  unit: false,
  named: false,
});

/** @param expects whether an operand comes next. */
export function extend(draft: Draft, token: Token, expects: boolean): void {
  const isFirst = draft.spelt === '';
  if (isFirst) draft.start = token.start;
  const joined = draft.last.startsWith('\\sqrt') && token.kind === 'number' && token.text !== '\\pi';
  const blank = token.gap && !isFirst && !/^[+\-*/^]$/.test(token.text) ? ' ' : '';
  draft.spelt += blank + (joined ? `{${token.text}}` : token.text);
  draft.end = token.end;
  draft.last = token.text;
  draft.expects = expects;
  draft.unit = false;
  draft.raises = token.text === '^';
}

/** Null where it holds nothing but signs. */
export function formulaOf(draft: Draft, relation: '=' | '≈'): Formula | null {
  if (draft.spelt === '' || /^[+-]+$/.test(draft.spelt)) return null;
  const spelt = draft.expects ? draft.spelt.replace(/[+\-*/^\s]+$/, '') : draft.spelt;
  const { start, end, units, operands, calculates } = draft;
  // `200 + 10%` may mean 10 % of the 200.
  const doubtful = draft.doubtful || spelt !== draft.spelt || (spelt.includes('%') && /[+-]/.test(spelt));
  const readable = draft.readable && draft.brackets.length === 0;
  return { kind: 'formula', relation, spelt, start, end, units, operands, calculates, readable, doubtful };
}
