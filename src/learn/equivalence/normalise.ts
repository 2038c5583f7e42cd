/** Rewrites the many ways of typing one answer into one: unicode and LaTeX spelling, spacing, delimiters, text commands. */
import { closingBrace } from '../answer.ts';

/** Longer answers are compared as they stand: a real answer is short, and everything after this works on bounded input. */
export const MAX_ANSWER_CHARS = 500;

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';
const GREEK = new Map<string, string>(
  Object.entries({
    π: 'pi',
    α: 'alpha',
    β: 'beta',
    γ: 'gamma',
    δ: 'delta',
    θ: 'theta',
    λ: 'lambda',
    μ: 'mu',
    ρ: 'rho',
    σ: 'sigma',
    φ: 'phi',
    ω: 'omega',
    Δ: 'Delta',
    Ω: 'Omega',
    Σ: 'Sigma',
    τ: 'tau',
    ε: 'epsilon',
  }),
);
const UNICODE: readonly (readonly [RegExp, string])[] = [
  [/[−–—‐‑‒﹣-]/g, '-'],
  [/[×✕]/g, '\\times '],
  [/÷/g, '\\div '],
  [/[·⋅∙]/g, '\\cdot '],
  [/[∘˚º]/g, '°'],
  [/∞/g, '\\infty '],
  [/[≤⩽]/g, '\\le '],
  [/[≥⩾]/g, '\\ge '],
  [/≠/g, '\\ne '],
  [/[≈≃]/g, '\\approx '],
  [/≅/g, '\\cong '],
  [/∥/g, '\\parallel '],
  [/⊥/g, '\\perp '],
  [/∪/g, '\\cup '],
  [/∩/g, '\\cap '],
  [/∈/g, '\\in '],
  [/∅/g, '\\emptyset '],
  [/±/g, '\\pm '],
  [/∠/g, '\\angle '],
  [/△/g, '\\triangle '],
  [/²/g, '^{2}'],
  [/[’‘′]/g, "'"],
  [/[“”″]/g, '"'],
  [/√\s*(\d+(?:\.\d+)?|[A-Za-z])/g, '\\sqrt{$1}'],
  [/√/g, '\\sqrt '],
];
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  // What kind of figure a name names is not part of the name.
  [/(?:\bm\s*)?\\(?:measured)?angle(?![a-z])\s*|\\(?:big)?triangle(?![a-z])\s*/g, ''],
  [/\b(?:triangle|angle)\s+(?=[A-Z]{1,3}\b)/gi, ''],
  [/(?<=[A-Z])\s+~\s+(?=[A-Z])/g, ' \\sim '],
  [/(?<=[A-Z])\s*(?:\|\||\\\||is parallel to)\s*(?=[A-Z])/g, ' \\parallel '],
  [/(?<=[A-Z])\s*is perpendicular to\s*(?=[A-Z])/g, ' \\perp '],
  [/(?<![A-Za-z])oo(?![A-Za-z])/g, '\\infty '],
  [/\\\\(?:\[[^\]]*\])?/g, '\\cr '],
  [/(?:\\cr\s*)+$/, ''],
  [/\\(?:color|textcolor|phantom|[hv]space)\*?\s*\{[^{}]*\}/g, ' '],
  [/(?<=[A-Z])\s*\\cong(?![a-z])\s*(?=[A-Z])/g, ' \\congruent '],
  // Transposed, a tuple is as it was.
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
  // Any whole number, whatever it is called.
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
  [/(?:\{\s*\})?[_^]\{?(\d+)\}?\s*C_\{?(\d+)\}?/g, '\\binom{$1}{$2}'],
  // `0.1666...`: what is repeated at the end goes on.
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
/** Commands whose argument is taken as it stands. */
const TEXT =
  /\\(?:text(?!color)[a-z]{0,8}|math(?:rm|bf|it|sf|tt|normal)|mbox|hbox|operatorname\*?|unit|boldsymbol|bm|emph|underline|boxed|fbox)\s*(?=\{)/;
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
  let text = fromUnicode(answer.trim());
  text = withoutDelimiters(text);
  text = withoutTextCommands(text);
  for (const [pattern, spelling] of SPELLINGS) text = text.replace(pattern, spelling);
  text = withoutDelimiters(text.replace(/\s+/g, ' ').trim());
  text = text.replace(/(?<=[^.\s])\s*[.;,]$/, '').trim();
  return withoutGroup(withoutPhrases(text));
}

const POWERS = new Map<string, string>(
  Object.entries({ dozen: '12', thousand: '10^{3}', million: '10^{6}', billion: '10^{9}', trillion: '10^{12}' }),
);

/** What people say around an answer: `the answer is 5`, `about 5`, `5 (approx.)`, `Yes, it is`. */
function withoutPhrases(text: string): string {
  return text
    .replace(/^(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:final\s+|correct\s+)?answer\s*(?:is|=|:)\s*:?\s*/i, '')
    .replace(/^[a-z][a-z ']{0,60}?\s+(?:is|are|was|were|has|have|had|will be|equals?|is equal to)\s+(?=[-$\d\\(])/i, '')
    .replace(/^(?:an?|the)\s+[a-z]+\s+of\s+(?=[-$\d\\])/i, '')
    .replace(/(?<=\d)\s*(?:\.{3}|\\[lc]?dots)$/, '')
    .replace(/^(?:minus|negative)\s+(?=[\d\\$])/i, '-')
    .replace(/^both\s+(?=\S+\s+and\s)/i, '')
    .replace(/^(?:bar|line|point|figure|graph|curve|group|box)\s+(?=[A-Z]$)/i, '')
    .replace(/^(\d+)\s+(?:in|out of)\s+(\d+)$/i, '$1/$2')
    .replace(/^(\d+)\s*(?:\s+r|R|,?\s*rem(?:ainder)?\.?)\s*(\d+)$/, '$1 remainder $2')
    .replace(/(?<=\b(?:year|month|week|day)s?)[ -]old$/i, '')
    .replace(/^(?:approximately|approx\.?|about|around|roughly)\s+(?=\S)/i, '')
    .replace(/\s*\((?:approx\.?|approximately|rounded)\)$/i, '')
    .replace(/\s+only$/i, '')
    .replace(/^(yes|no|true|false)\s*[,.:;]\s+(?=[A-Za-z]).*$/i, '$1')
    .replace(/^(?:(?:in|at|on|the|year)\s+){1,3}(?=\d)/i, '')
    .replace(/(?<=\d)\s*(dozen|thousand|million|billion|trillion)(?![a-z])/i, (_, name: string) => `\\times ${POWERS.get(name.toLowerCase())}`)
    .replace(/^(\d+)(?:st|nd|rd|th)$/, '$1');
}

function fromUnicode(raw: string): string {
  let text = raw;
  if (/[^ -~]/.test(text)) {
    text = text.replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+/g, (run) => `^{${[...run].map((c) => '0123456789+-'[SUPERSCRIPTS.indexOf(c)]).join('')}}`);
    text = text.replace(/[①-⑳]{2,}/g, (run) => [...run].join(','));
    text = text.replace(/[₀-₉]+/g, (run) => `_{${[...run].map((c) => SUBSCRIPTS.indexOf(c)).join('')}}`);
    for (const [pattern, ascii] of UNICODE) text = text.replace(pattern, ascii);
    text = text.replace(/[παβγδθλμρσφωΔΩΣτε]/g, (c) => `\\${GREEK.get(c)} `);
    text = text
      .replace(/[¼-¾⅐-⅞]/g, ' $&')
      .normalize('NFKC')
      .replaceAll('\u2044', '/')
      .trim();
  }
  return text;
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
  return pieces.length % 2 === 1 && maths.every((piece) => piece !== '' && piece === piece.trim()) ? pieces.join(' ').trim() : text;
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
