/**
 * Rewrites the many ways of typing one answer into one: unicode and LaTeX spelling, spacing, delimiters, text commands.
 */
import { closingBrace } from '../answer.ts';
import { fromChinese } from './chinese.ts';
import { markFigures } from './figure.ts';
import { withoutMarkup } from './markup.ts';
import { fromSigns, notation } from './notation.ts';
import { withoutPhrases } from './phrases.ts';
import { fromUnicode } from './unicode.ts';

/** Longer answers are compared as text: a real answer is short, and everything after this works on bounded input. */
export const MAX_ANSWER_CHARS = 500;

const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/(?<![A-Za-z\\])(?:oo|[Ii]nf(?:inity)?|INF(?:INITY)?)(?![A-Za-z])/g, '\\infty '],
  [/\\\\(?:\[[^\]]*\])?/g, '\\cr '],
  [/(?:\\cr\s*)+$/, ''],
  [/\\(?:color|textcolor|phantom|[hv]space)\*?\s*\{[^{}]*\}/g, ' '],
  // A transposed tuple is the same tuple.
  [/(?<=[)\]])\^\s*\{?\s*(?:T|\\top)\s*\}?$/, ''],
  [/\\langle(?![a-z])/g, '('],
  [/\\rangle(?![a-z])/g, ')'],
  [/\\\$/g, '$'],
  [/\\[dtc]frac(?![A-Za-z])/g, '\\frac'],
  [/\\left\s*\\\{\s*\\begin\{array\}\s*\{[lcr]*\}/g, '\\begin{cases}'],
  [/\\end\{array\}\s*\\right\s*\./g, '\\end{cases}'],
  [/\{([^{}]*)\\over(?![a-z])([^{}]*)\}/g, '\\frac{$1}{$2}'],
  [/^([^{}]*)\\over(?![a-z])([^{}]*)$/, '\\frac{$1}{$2}'],
  [/\\(?:left|right)\s*(?=[()[\]|.\\{}])/g, ''],
  [/\\(?:[bB]igg?[lrm]?)(?![a-z])/g, ''],
  [/\\(?:displaystyle|textstyle|limits|[lL]arge|LARGE|[hH]uge|small|rm|bf|it|mathstrut)(?![A-Za-z])/g, ' '],
  [/\\!\s*/g, ''],
  [/\\(?:,|;|:|>| |~)|\\q?quad(?![a-z])|~/g, ' '],
  [/\{,\}/g, ','],
  [
    /\\(?:overline|overrightarrow|overleftrightarrow|vec|hat|bar|widehat|overset\{\\frown\})\s*(?:\{\s*([A-Za-z]{1,3})\s*\}|([A-Za-z])(?![A-Za-z]))/g,
    '$1$2',
  ],
  [/\\%/g, '%'],
  [/\\(?:&|#)/g, '&'],
  [/\^\s*\{?\s*\\(?:circ|degree)(?![a-z])(?:\s*\})?|\\degree(?![a-z])|\^\s*\{?\s*°(?:\s*\})?/g, '°'],
  [/\\circ(?![a-z])/g, '°'],
  [/(?:°|\bdegrees?)\s*(C|F)(?:elsius|ahrenheit)?\b/gi, '°$1'],
  // An inverse function is called as any other.
  [/(?<![A-Za-z\\])([A-Za-z])\^\s*\{?\s*-1\s*\}?\s*(?=\(\s*[a-z]\s*\)\s*=)/g, '$1'],
  // Any whole number, under any name.
  [/[,;]?\s*\(?\s*(?:where\s+|for\s+)?[kmn]\s*\\in\s*(?:\\mathbb\s*\{?\s*)?Z\s*\}?\s*\)?$/, ''],
  [/(?<![A-Za-z\\])[km](?=\s*\\pi(?![a-z]))/g, 'n'],
  [/(?<=\\pi\s*)k(?![A-Za-z])/g, ' n'],
  // A constant of integration.
  [/\+\s*c$/, '+ C'],
  [/\\leq?(?:slant)?(?![a-z])/g, '\\le '],
  [/\\geq?(?:slant)?(?![a-z])/g, '\\ge '],
  [/\\lt(?![a-z])/g, '<'],
  [/\\gt(?![a-z])/g, '>'],
  [/<=/g, '\\le '],
  [/>=/g, '\\ge '],
  [/\\neq(?![a-z])|!=/g, '\\ne '],
  // `0.1666...`: the digits repeated at the end continue.
  [/\.(\d{0,12}?)(\d{1,12}?)\2+\s*(?:\.\.\.|\\[lc]?dots)(?!\d)/g, '.$1\\overline{$2}'],
  [/\\(?:sim|simeq|approxeq|cong)(?![a-z])/g, '\\approx '],
  [/\\varnothing(?![a-z])/g, '\\emptyset '],
  [/\\l?vert(?![a-z])|\\mid(?![a-z])/g, '|'],
  [/\\rvert(?![a-z])/g, '|'],
  [/\\(?:lbrace)(?![a-z])/g, '\\{'],
  [/\\(?:rbrace)(?![a-z])/g, '\\}'],
  [/\\colon(?![a-z])/g, ':'],
  [/\\prime(?![a-z])/g, "'"],
  [/\^\s*\{?'+\}?/g, "'"],
];
/** Commands that are replaced by their argument. */
const TEXT =
  /\\(?:text(?!color)[a-z]{0,8}|math(?:rm|bf|it|sf|tt|normal)|mbox|hbox|ce|operatorname\*?|unit|boldsymbol|bm|emph|underline|boxed|fbox)\s*(?=\{)/;
const DELIMITERS: readonly (readonly [string, string])[] = [
  ['$$', '$$'],
  ['$', '$'],
  ['\\(', '\\)'],
  ['\\[', '\\]'],
  ['`', '`'],
  ['**', '**'],
  ['"', '"'],
];

export function normalise(answer: string): string {
  let text = fromUnicode(fromSigns(withoutMarkup(answer.trim())));
  text = withoutDelimiters(text);
  text = markFigures(notation(fromChinese(withoutTextCommands(text))));
  for (const [pattern, spelling] of SPELLINGS) text = text.replace(pattern, spelling);
  text = withoutDelimiters(text.replace(/\s+/g, ' ').trim());
  text = text.replace(/(?<=[^.\s])\s*[.;,]$/, '').trim();
  return withoutGroup(withoutPhrases(text));
}

/** Whole-answer wrappers: `$5$`, `\(5\)`, `**5**`. A single leading `$` is money and stays. */
function withoutDelimiters(text: string): string {
  for (const [open, close] of DELIMITERS) {
    if (text.length >= open.length + close.length && text.startsWith(open) && text.endsWith(close)) {
      const inner = text.slice(open.length, -close.length).trim();
      if (!inner.includes(open)) return withoutDelimiters(inner);
    }
  }
  // `$x = 5$ cm`: maths inside text. `$5 and $10` is money.
  const pieces = text.split(/(?<!\\)\$/);
  const maths = pieces.filter((_, i) => i % 2 === 1);
  return pieces.length % 2 === 1 &&
    maths.every((piece) => piece !== '' && piece === piece.trim() && !/[-+*/=,]$/.test(piece))
    ? pieces.join(' ').trim()
    : text;
}

function withoutTextCommands(raw: string): string {
  let text = raw;
  for (let match = TEXT.exec(text); match; match = TEXT.exec(text)) {
    const open = match.index + match[0].length;
    const close = closingBrace(text, open);
    if (close < 0) return text;
    text = `${text.slice(0, match.index)} ${text.slice(open + 1, close)} ${text.slice(close + 1)}`;
  }
  return text;
}

/** `{5}` is 5; `{1, 2}` is left for the set it may be. */
function withoutGroup(text: string): string {
  if (!text.startsWith('{') || closingBrace(text, 0) !== text.length - 1) return text;
  const inner = text.slice(1, -1).trim();
  return inner === '' || inner.includes(',') ? text : withoutGroup(inner);
}
