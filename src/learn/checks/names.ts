/** What a word after an operand is: a sign, a unit, a variable, or the end of the expression. */
import { parseUnit } from '../equivalence/units.ts';
import type { Draft } from './formula.ts';
import type { Token } from './tokens.ts';

/** Words before an expression that make it a part of a larger one: `half of 8 + 2`. */
export const BEFORE: ReadonlySet<string> = new Set(
  'of by twice double half triple thrice square cube root per than from not squared each every'.split(' '),
);
/** Words after it that do. */
export const AFTER: ReadonlySet<string> = new Set(
  'hundred thousand million billion trillion dozen remainder rem r R k mod modulo'.split(' '),
);
const UNIT_LETTERS = new Set('mgshlLNJWVA');
const SCALES = new Set(['square', 'sq', 'cubic', 'cu']);
const FRACTION = /^\d+\/\d+$|^\\frac\{\d+\}\{\d+\}$/;

type Role = 'times' | 'unit' | 'unit of two words' | 'variable' | 'word';

export function roleOf(token: Token, next: Token | undefined, draft: Draft): Role {
  const { text } = token;
  if (/^[xX]\d*$/.test(text) && (text.length > 1 ? !token.gap : startsOperand(next))) return 'times';
  if (text === 'of' && (draft.last === '%' || FRACTION.test(draft.spelt)) && startsOperand(next)) return 'times';
  if (!draft.named && draft.last !== '') {
    const scaled = SCALES.has(text) && next?.kind === 'name' && isUnit(next.text);
    const rate = text === 'per' && draft.unit && next?.kind === 'name';
    if (scaled || rate) return 'unit of two words';
    if (isUnit(text) || isCounted(token, next)) return 'unit';
  }
  const isShort = /^(?:[A-Za-z]|[A-Z]{2,3}|.*_.*|\\.*)$/.test(text);
  return isShort && !draft.named && (!token.gap || endsOperand(next)) ? 'variable' : 'word';
}

/** `3 apples + 4 apples` */
const isCounted = ({ text, gap }: Token, next: Token | undefined): boolean =>
  gap && endsOperand(next) && /^[a-z]{3,}$/.test(text);

const startsOperand = (token: Token | undefined): boolean =>
  token?.kind === 'number' || token?.kind === 'open' || token?.kind === 'function';
const endsOperand = (token: Token | undefined): boolean =>
  token?.kind === 'operator' || token?.kind === 'relation' || token?.kind === 'close';

export function isUnit(word: string): boolean {
  if (word.length === 1) return UNIT_LETTERS.has(word);
  const unit = parseUnit(word.replace(/\d+$/, ''));
  return unit !== null && !unit.dimension.startsWith('~');
}
