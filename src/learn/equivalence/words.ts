/** Answers in words. */
import { numberOf } from './expression.ts';
import { parseUnit, type Unit } from './units.ts';
import type { Value } from './value.ts';

const NUMBERS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** Different words for one answer. `yes` and `true` are one, `no` and `false` are one. */
const SYNONYMS = new Map<string, string>(
  Object.entries({
    true: 'yes',
    correct: 'yes',
    false: 'no',
    incorrect: 'no',
    'no solutions': 'empty set',
    'no solution': 'empty set',
    'no real solution': 'empty set',
    'no real solutions': 'empty set',
    '\\emptyset': 'empty set',
    'null set': 'empty set',
    dne: 'undefined',
    'does not exist': 'undefined',
    'not defined': 'undefined',
    'all reals': 'all real numbers',
    '\\mathbb{r}': 'all real numbers',
    '(-\\infty, \\infty)': 'all real numbers',
    reals: 'all real numbers',
    'cannot be determined': 'not determined',
    'can not be determined': 'not determined',
    'cannot determine': 'not determined',
  }),
);

/** Case, spacing, articles, quotes and closing punctuation do not matter. */
export function foldWords(text: string): string {
  const folded = text
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ')
    .replace(/['"`]/g, '')
    .replace(/\bgrey\b/g, 'gray')
    .replace(/\b(cent|met|lit)re(s?)\b/g, '$1er$2')
    .replace(/\b(col|fav|neighb)our/g, '$1or')
    .replace(/^(?:the|a|an)\s+(?=\S{2})/, '')
    .replace(/[.!?\s]+$/, '')
    .trim();
  return SYNONYMS.get(folded) ?? folded;
}

const FRACTIONS = new Map<string, bigint>(
  Object.entries({
    half: 2n,
    halve: 2n,
    third: 3n,
    quarter: 4n,
    fourth: 4n,
    fifth: 5n,
    sixth: 6n,
    eighth: 8n,
    tenth: 10n,
  }),
);
const FUNCTION_WORDS = /^(?:sin|cos|tan|log|ln|pi|sqrt|exp|infinity|inf|theta|alpha|beta|lambda|pm|x|y|z)$/i;
/** Words of two letters; any other two letters are a product of names. */
const SHORT_WORDS = new Set('no on up in at by it is am pm us uk ny ok'.split(' '));

const quantity = (n: bigint, d = 1n, unit: Unit | null = null): Value => ({ type: 'quantity', expression: numberOf({ n, d }), unit, percent: false });

/** Text of words only: a number in words, with a unit or not, or plain words. */
export function readWords(text: string): Value | null {
  const folded = foldWords(text);
  if (folded !== text.toLowerCase() && [...SYNONYMS.values()].includes(folded)) return { type: 'words', text: folded };
  if (!/^[\p{L}\s'’.&-]+$/u.test(text) || /\s(?:and|or)\s/i.test(text)) return null;
  const parts = folded.split(' ');
  const number = readNumberWords(parts);
  if (number) return number;
  if (parts.some((part) => FUNCTION_WORDS.test(part)) || !parts.some((part) => part.length >= 2)) return null;
  if (parts.length === 1 && folded.length === 2 && !SHORT_WORDS.has(folded)) return null;
  if (/(?:^|[^\p{L}])-|-(?:[^\p{L}]|$)/u.test(text) || /(?<![\p{L}])\p{L}-\p{L}(?![\p{L}])/u.test(text)) return null;
  return { type: 'words', text: folded };
}

/** `five`, `twenty one`, `two thirds`, `half`, `five apples`. */
function readNumberWords(parts: readonly string[]): Value | null {
  const both = numberWord(parts.slice(0, 2).join(' '));
  const length = parts.length > 1 && both !== null ? 2 : 1;
  const number = length === 2 ? both : numberWord(parts[0] ?? '');
  const denominator = FRACTIONS.get((parts[number === null ? 0 : length] ?? '').replace(/s$/, ''));
  if (denominator !== undefined && parts.length === (number === null ? 1 : length + 1)) return quantity(BigInt(number ?? 1), denominator);
  if (number === null) return null;
  const rest = parts.slice(length).join(' ');
  if (rest === '') return quantity(BigInt(number));
  const unit = parseUnit(rest);
  return unit && quantity(BigInt(number), 1n, unit);
}

function numberWord(folded: string): number | null {
  const direct = NUMBERS.indexOf(folded);
  if (direct >= 0) return direct;
  if (folded === 'hundred' || folded === 'one hundred') return 100;
  const [ten = '', one] = folded.split(' ');
  const tens = TENS.indexOf(ten);
  if (tens < 0) return null;
  if (one === undefined) return (tens + 2) * 10;
  const ones = NUMBERS.indexOf(one);
  return ones > 0 && ones < 10 ? (tens + 2) * 10 + ones : null;
}
