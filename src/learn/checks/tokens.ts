/**
 * A response's text as tokens in the calculator's spelling (equivalence/parser.ts): `×`, `\times` and `times` are `*`,
 * `²` is `^2`. Each token keeps its place in the text. Takes time in proportion to the text.
 */
import { COMMANDS, ESCAPES, SIGNS, WORDS, type Spelling, type TokenKind } from './spellings.ts';

export interface Token {
  readonly kind: TokenKind;
  /** As the calculator spells it; a name as written. */
  readonly text: string;
  /** Offsets in the response. */
  readonly start: number;
  readonly end: number;
  /** Whether blanks, or what only formats text, stand before it. */
  readonly gap: boolean;
}

interface Found {
  readonly spelling: Spelling;
  readonly length: number;
}

const NUMBER =
  /(?:\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?!\d)|\d+)(?:\.\d+|\.(?=\\overline))?(?:[eE][+-]?\d{1,3}(?![A-Za-z\d]))?(?:\\overline\{\d{1,20}\}|\.{3}|…)?|\.\d+/y;
const ORDINAL = /\d+(?:st|nd|rd|th)(?![A-Za-z])/y;
const BETWEEN_DIGITS = /(?<=\d)[:,](?=\d)/y;
const COMMAND = /\\([A-Za-z]+)/y;
/** Commands whose argument is text. */
const TEXT = /\\(?:text[a-z]*|math(?:rm|bf|it|sf)|mbox|operatorname)\s*\{([^{}]{0,80})\}/y;
const NAMED = /\\(?:angle|triangle|measuredangle|overline|vec|widehat|hat)\s*(?:\{[^{}]{0,80}\}|[A-Za-z0-9]+)?/y;
const ENVIRONMENT = /\\(?:begin|end)\s*\{[^{}]{0,80}\}(?:\{[lcr|]*\})?/y;
/** A word and a number that are one name. */
const NUMBERED =
  /(?:(?:angle|step|fig(?:ure|\.)?|option|case|eq(?:uation|\.)?|row|column|point|line|question|problem|choice|no\.)\s*#?\s*|[∠△⊙#]\s*)\(?\d+\)?(?![.\d])/iy;
const NAME = /[∠△⊙]?\p{L}+'?\d*(?:_\{[^{}]{0,80}\}|_[A-Za-z0-9])?'*/uy;
const SUBSCRIPT = /_\{?\d{1,9}\}?/y;
const PHRASE = /(?:(divided|multiplied)\s+by|(?:is\s+)?equal\s+to)(?![A-Za-z])/y;
const DEGREE = /\^\s*\{?\s*(?:\\circ(?![a-z])|\\degree|°)\s*\}?/y;
const POWER = /(?<=[\d)])\*\*(?=[\d(])/y;
const MARKUP = /\*{2,}/y;
const ARROW = /[=<>!]=?>|[<>!]=|≤|≥/y;
const EQUAL = /[=＝]{1,2}(\s*(?:about|approx(?:imately|\.)?|roughly|nearly)(?![A-Za-z]))?/y;
const FACTORIAL = /!(?= *(?:[)\]}+\-/×·÷=≈^$]|\*(?!\*)))/y;
const DOTS = /\.{3}|…/y;

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let gap = true;
  for (let at = 0; at < text.length;) {
    const { spelling, length } = next(text, at);
    const [kind, spelt] = spelling;
    if (kind !== 'gap') tokens.push({ kind, text: spelt, start: at, end: at + length, gap });
    gap = kind === 'gap';
    at += length;
  }
  return tokens;
}

const BREAK: Spelling = ['break', ''];
const ODD: Spelling = ['odd', ''];

function next(text: string, at: number): Found {
  const first = text[at] ?? '';
  if ((first >= '0' && first <= '9') || (first === '.' && /\d/.test(text[at + 1] ?? ''))) return number(text, at);
  if (first === '\\') return command(text, at);
  return symbol(text, at, first) ?? word(text, at) ?? { spelling: BREAK, length: 1 };
}

/** What can make digits more than a whole number. */
const GOES_ON = new Set('.,:{\\…eE'.concat('snrt'));

function number(text: string, at: number): Found {
  const end = digitsEnd(text, at);
  if (end > at && !GOES_ON.has(text[end] ?? '')) return { spelling: ['number', text.slice(at, end)], length: end - at };
  const ordinal = match(ORDINAL, text, at);
  if (ordinal !== undefined) return { spelling: ['name', ordinal], length: ordinal.length };
  const written = match(NUMBER, text, at) ?? '';
  const digits = /^\d+$/.test(written) ? written : written.replace(/,|\{,\}|\\,|\.{3}|…/g, '');
  return { spelling: ['number', digits], length: written.length };
}

function digitsEnd(text: string, at: number): number {
  let end = at;
  while (text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return end;
}

function command(text: string, at: number): Found {
  const escaped = ESCAPES.get(text[at + 1] ?? '');
  if (escaped) return { spelling: escaped, length: 2 };
  const environment = match(ENVIRONMENT, text, at);
  if (environment !== undefined) return { spelling: ['line', ''], length: environment.length };
  const worded = match(TEXT, text, at);
  if (worded !== undefined) return { spelling: inner(/\{(.*)\}$/s.exec(worded)?.[1] ?? ''), length: worded.length };
  const known = match(COMMAND, text, at);
  const spelling = COMMANDS.get(known?.slice(1) ?? '');
  if (known !== undefined && spelling) return subscripted(text, at, known.length, spelling);
  const named = match(NAMED, text, at) ?? known ?? '\\';
  return { spelling: ['name', named], length: named.length };
}

/** `\text{ cm}` is the word in it, `\mathbf{12}` the number. */
function inner(text: string): Spelling {
  const trimmed = text.trim();
  return WORDS.get(trimmed) ?? [/^\d+(?:\.\d+)?$/.test(trimmed) ? 'number' : 'name', trimmed];
}

/** `\log_2` */
function subscripted(text: string, at: number, length: number, spelling: Spelling): Found {
  const subscript = spelling[0] === 'function' ? match(SUBSCRIPT, text, at + length) : undefined;
  if (subscript === undefined) return { spelling, length };
  return { spelling: ['function', spelling[1] + subscript], length: length + subscript.length };
}

function symbol(text: string, at: number, first: string): Found | undefined {
  const long = LONG.get(first)?.(text, at);
  if (long) return long;
  const spelling = SIGNS.get(first);
  return spelling && { spelling, length: 1 };
}

const as =
  (pattern: RegExp, spelling: Spelling) =>
  (text: string, at: number): Found | undefined => {
    const found = match(pattern, text, at);
    return found === undefined ? undefined : { spelling, length: found.length };
  };

const power = as(POWER, ['operator', '^']);
const markup = as(MARKUP, ['gap', '']);
const arrow = as(ARROW, BREAK);
const between = as(BETWEEN_DIGITS, ODD);

/** Signs of several characters, by the first. */
const LONG: ReadonlyMap<string, (text: string, at: number) => Found | undefined> = new Map([
  ['*', (text: string, at: number) => power(text, at) ?? markup(text, at)],
  ['^', as(DEGREE, ['mark', '°'])],
  ['=', (text: string, at: number) => arrow(text, at) ?? equal(text, at)],
  ['!', (text: string, at: number) => arrow(text, at) ?? as(FACTORIAL, ['mark', '!'])(text, at)],
  ['<', arrow],
  ['>', arrow],
  [',', between],
  [':', between],
  ['.', as(DOTS, ODD)],
  ['…', as(DOTS, ODD)],
]);

function equal(text: string, at: number): Found | undefined {
  const found = match(EQUAL, text, at);
  return found === undefined
    ? undefined
    : { spelling: ['relation', /[a-z]/.test(found) ? '≈' : '='], length: found.length };
}

function word(text: string, at: number): Found | undefined {
  const numbered = match(NUMBERED, text, at);
  if (numbered !== undefined) return { spelling: ['name', numbered], length: numbered.length };
  const phrase = match(PHRASE, text, at);
  if (phrase !== undefined) return { spelling: PHRASES[phrase[0] ?? ''] ?? ['relation', '='], length: phrase.length };
  const name = match(NAME, text, at);
  if (name === undefined) return undefined;
  const [stem = name] = name.split('_');
  const known = WORDS.get(stem);
  return known ? subscripted(text, at, stem.length, known) : { spelling: ['name', name], length: name.length };
}

const PHRASES: Readonly<Record<string, Spelling>> = { d: ['operator', '/'], m: ['operator', '*'] };

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
