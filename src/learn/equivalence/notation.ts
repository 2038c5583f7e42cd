/** Mathematical notation that has another spelling: signs of Unicode, and commands with synonyms. */

type Rule = readonly [pattern: RegExp, spelling: string];

/** Applied before Unicode folding, which turns a summation sign into a letter. */
const SIGNS: readonly Rule[] = [
  [/∛\s*(-\d+(?:\.\d+)?)/g, '\\sqrt[3]{$1}'],
  [/[∑Σ](?=\s*_)/g, '\\sum '],
  [/[∏Π](?=\s*_)/g, '\\prod '],
  [/∫/g, '\\int '],
  [/⌊/g, '\\lfloor '],
  [/⌋/g, '\\rfloor '],
  [/⌈/g, '\\lceil '],
  [/⌉/g, '\\rceil '],
  [/(?<=[fgh])\s*∘\s*(?=[fgh])/g, '\\circ '],
  [/∨/g, '\\lor '],
  [/∧/g, '\\land '],
  [/∖/g, '\\setminus '],
  [/[∼∽]/g, '\\sim '],
  // A bar over each repeating digit, or a dot over the first and the last.
  [/(?:\d[\u0304\u0305])+/g, '\\overline{$&}'],
  [/(?<=\.\d*)(\d)\u0307(?:(\d*)(\d)\u0307)?/g, '\\overline{$1$2$3}'],
  [/[\u0304\u0305]/g, ''],
];

export const fromSigns = (text: string): string => (/[^ -~]/.test(text) ? rewritten(text, SIGNS) : text);

const SPELLINGS: readonly Rule[] = [
  [/\\(?:s|nice|x)frac(?![A-Za-z])/g, '\\frac'],
  [/(?<![A-Za-z\\])(sum|prod|lim|int)(?=\s*_)/g, '\\$1'],
  [/\{?\s*(\d+|[a-z])\s*(?:\\choose(?![a-z])|\bchoose\b)\s*(\d+|[a-z])\s*\}?/g, '\\binom{$1}{$2}'],
  // Combinations and arrangements.
  [/(?<![A-Za-z\\])C\s*\^\s*(?:(\d)|\{(\d+)\})\s*_\s*(?:(\d)|\{(\d+)\})/g, '\\binom{$3$4}{$1$2}'],
  [/\bn([CP])r\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)/g, '^{$2}$1_{$3}'],
  [
    /(?<![A-Za-z)])(?:\{\s*\})?[_^]\s*(?:(\d+|n)|\{\s*(\w+)\s*\})\s*C\s*_\s*(?:\{\s*(\w+)\s*\}|(\w))/g,
    '\\binom{$1$2}{$3$4}',
  ],
  [
    /(?<![A-Za-z)])(?:\{\s*\})?[_^]\s*(?:(\d+|n)|\{\s*(\w+)\s*\})\s*P\s*_\s*(?:\{\s*(\w+)\s*\}|(\w))/g,
    '\\perm{$1$2}{$3$4}',
  ],
  [/(?<![\w.\\^_}])(\d{1,3})\s?C\s?_?(?:(\d{1,3})|\{(\d{1,3})\})(?![\w.]|\)?_)/g, '\\binom{$1}{$2$3}'],
  [/(?<![\w.\\^_}])(\d{1,3})\s?P\s?_?(?:(\d{1,3})|\{(\d{1,3})\})(?![\w.]|\)?_)/g, '\\perm{$1}{$2$3}'],
  [/(?<![A-Za-z\\])C\s*_\s*(?:(\d)|\{(\d+)\})\s*\^\s*(?:(\d)|\{(\d+)\})/g, '\\binom{$1$2}{$3$4}'],
  [/(?<![A-Za-z\\])[AP]\s*_\s*(?:(\d)|\{(\d+)\})\s*\^\s*(?:(\d)|\{(\d+)\})/g, '\\perm{$1$2}{$3$4}'],
  [/^\{(\s*[A-Za-z]\s*(?:\\in(?![a-z])[^|:]*)?[|:].*)\}$/, '\\{$1\\}'],
  [/\bplus(?: or |[-/])minus\b/gi, '\\pm'],
  [/^(?:the\s+)?points?\s+(?=[A-Z]?'*\s*\()/i, ''],
  [/^\(\s*(-?[\d./]+)\s*\|\s*(-?[\d./]+)\s*\)$/, '($1, $2)'],
  [/^<([^<>]*,[^<>]*)>$/, '($1)'],
  [/\\not\s*=|=\/=|\/=/g, '\\ne '],
  [
    /^all\s+(?:the\s+)?(?:real\s+numbers|reals)(?:\s+x)?\s+(?:except|but|other than|excluding)\s+(?:for\s+)?(?:x\s*=\s*)?(\S.*)$/i,
    'x \\ne $1',
  ],
  [/(?<=^[A-Za-z]|^-?\d+)\s*(?:is\s+)?(?:greater|more|larger|bigger)\s+than\s+or\s+equal\s+to\s+/, ' \\ge '],
  [/(?<=^[A-Za-z]|^-?\d+)\s*(?:is\s+)?(?:less|smaller|fewer)\s+than\s+or\s+equal\s+to\s+/, ' \\le '],
  [/(?<=^[A-Za-z])\s*(?:is\s+)?(?:greater|more|larger|bigger)\s+than\s+(?=[-\d\\])/, ' > '],
  [/(?<=^[A-Za-z])\s*(?:is\s+)?(?:less|smaller|fewer)\s+than\s+(?=[-\d\\])/, ' < '],
  [/(?<=^[A-Za-z])\s*(?:is\s+)?at\s+least\s+(?=[-\d\\])/, ' \\ge '],
  [/(?<=^[A-Za-z])\s*(?:is\s+)?at\s+most\s+(?=[-\d\\])/, ' \\le '],
  [/\\math(?:cal|scr|frak)\s*\{\s*([A-Z])\s*\}|\\mathbb\s*\{\s*(\d+)\s*\}/g, '$1$2'],
  [/\\frac\s*\{\s*\\partial\s*([A-Za-z])\s*\}\s*\{\s*\\partial\s*([a-z])\s*\}/g, ' $1_{$2} '],
  [/\(\s*([fgh])\s*\\circ\s*([fgh])\s*\)\s*\(([^()]*)\)/g, '$1($2($3))'],
  [/(?<![A-Za-z\\])([fgh])\s*\\circ\s*([fgh])(?![A-Za-z])/g, '$1($2(x))'],
  [/(?<=^[+-]?\d{1,3}(?:['_]\d{3})*)['_](?=\d{3}(?:['_]\d{3})*$)/g, ''],
  [
    /^(?:R|\\mathbb\s*\{?\s*R\s*\}?)\s*(?:-|\\setminus|\\backslash|\\)\s*\\?\{([^{}]*?)\\?\}$/,
    '\\mathbb{R} \\setminus \\{$1\\}',
  ],
  [/(?<=\d)\s*\((?:an?\s+)?(?:double|repeated|triple|multiplicity)[^()]*\)$/i, ''],
  [/^\(\s*x\s*,\s*y\s*\)\s*\\(?:to|rightarrow|mapsto|longrightarrow|longmapsto)(?![a-z])\s*(?=\()/, ''],
  [
    /(?<=^(?:[A-Z]'*\s*\([^()]*\)[\s,]*)*[A-Z]'*\s*\([^()]*\))\s+(?=[A-Z]'*\s*\([^()]*\)(?:\s+[A-Z]'*\s*\([^()]*\))*$)/g,
    ', ',
  ],
  [/(?<![A-Za-z])\\?log(2|10)\(/g, '\\log_{$1}('],
  // Repeating decimals.
  [/(?<=\.\d*)\\dot\s*\{?(\d)\}?(\d*)\\dot\s*\{?(\d)\}?/g, '\\overline{$1$2$3}'],
  [/(?<=\.\d*)\\(?:overline|bar|dot)\s*(?:\{\s*(\d+)\s*\}|(\d))/g, '\\overline{$1$2}'],
  [/(?<![\w.])(\d*\.\d*)\((\d{1,20})\)(?=\s*(?:$|[,;%°)\]}]|\\[%\]}]|\\text|and\b|or\b))/g, '$1\\overline{$2}'],
  [/(\d*\.)(\d)\s*\(?(?:repeating|recurring)\)?$/i, '$1\\overline{$2}'],
];

export const notation = (text: string): string => spelledOut(primed(rewritten(text, SPELLINGS)));

const LEIBNIZ =
  /\\frac\s*\{\s*d\s*(?:\^\s*\{?\s*(\d)\s*\}?)?\s*([A-Za-z])\s*(?:\(\s*[a-z]\s*\))?\s*\}\s*\{\s*d\s*([a-z])\s*(?:\^\s*\{?\s*\d\s*\}?)?\s*\}/g;
const IN_A_LINE = /(?<![A-Za-z\\])d(?:\^\{?(\d)\}?)?([A-Za-z])\s*\/\s*d([a-z])(?:\^\{?\d\}?)?(?![A-Za-z])/g;
const APPLIED = /\\frac\s*\{\s*d\s*\}\s*\{\s*d\s*x\s*\}\s*\[?\s*([fgh])\s*\(\s*x\s*\)\s*\]?/g;

/**
 * Derivatives by x have primes (`\frac{dy}{dx}` is `y'`); others are names of their own, never fractions of `d`s that
 * cancel.
 */
function primed(text: string): string {
  if (!text.includes('d')) return text;
  const spelling = (_: string, order: string | undefined, of: string, by: string): string => {
    const primes = "'".repeat(Number(order ?? 1));
    if (by !== 'x') return ` ${of}_{d${by}}${primes} `;
    return /[fgh]/.test(of) ? ` ${of}${primes}(x) ` : ` ${of}${primes} `;
  };
  return text.replace(APPLIED, " $1'(x) ").replace(LEIBNIZ, spelling).replace(IN_A_LINE, spelling);
}

const MAX_SPELLED_OUT = 32;
const PROGRESSION =
  /(?<![\d.])(-?\d{1,4}),\s*(-?\d{1,4}),\s*(?:(-?\d{1,4}),\s*)?(?:\.\.\.|\\[lc]?dots),?\s*(-?\d{1,4})(?![\d.])/;

/** `1, 2, \ldots, 5` is `1, 2, 3, 4, 5`; two numbers show a step of one only. */
function spelledOut(text: string): string {
  return text.replace(PROGRESSION, (whole, ...found: (string | undefined)[]) => {
    const [first = 0, second = 0, third, last = 0] = found
      .slice(0, 4)
      .map((number) => (number === undefined ? undefined : Number(number)));
    const step = second - first;
    const count = (last - first) / step + 1;
    const isClear = third === undefined ? step === 1 : third - second === step;
    if (!isClear || !Number.isInteger(count) || count < 3 || count > MAX_SPELLED_OUT) return whole;
    return Array.from({ length: count }, (_, i) => String(first + i * step)).join(', ');
  });
}

const rewritten = (text: string, rules: readonly Rule[]): string =>
  rules.reduce((so, [pattern, spelling]) => so.replace(pattern, spelling), text);
