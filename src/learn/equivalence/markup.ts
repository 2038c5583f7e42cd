/** HTML and Markdown around or inside an answer, and delimiters whose partner is missing. */

const ENTITIES = new Map<string, string>(
  Object.entries({
    lt: '<',
    gt: '>',
    le: '≤',
    ge: '≥',
    ne: '≠',
    amp: '&',
    nbsp: ' ',
    quot: '"',
    apos: "'",
    pi: 'π',
    deg: '°',
    times: '×',
    divide: '÷',
    minus: '−',
    plusmn: '±',
    radic: '√',
    infin: '∞',
    theta: 'θ',
    sup2: '²',
    sup3: '³',
    frac12: '½',
    frac14: '¼',
    frac34: '¾',
    middot: '·',
    micro: 'µ',
    pound: '£',
    euro: '€',
    cent: '¢',
    ndash: '–',
    mdash: '—',
  }),
);
/** Tags that only format text. */
const TAG = /<(b|i|em|strong|u|p|span|div|code|font|center|small|big|mark|tt|var)(?:\s[^<>]*)?>([^<>]*)<\/\1\s*>/gi;
const MARK = String.raw`(?:\\(?:checkmark|blacksquare|square|qed|Box)(?![a-z])|[✓✔✅☑∎■□◻])`;
/** Endings of proofs and checked answers. */
const MARKS = new RegExp(String.raw`(?<=\S)(?:\s|\\q?quad(?![a-z])|\\hfill(?![a-z]))*${MARK}+$`, 'u');

export function withoutMarkup(raw: string): string {
  const text = withoutHtml(raw).trim();
  return withoutStrays(withoutMarkdown(text).replace(MARKS, '')).trim();
}

function withoutHtml(raw: string): string {
  let text = raw;
  if (text.includes('&'))
    text = text
      .replace(/&([a-z]+\d{0,2});/gi, (whole, name: string) => ENTITIES.get(name) ?? whole)
      .replace(/&#(\d{1,6});/g, (_, code: string) => String.fromCodePoint(Number(code)));
  if (!text.includes('<')) return text;
  text = text
    .replace(/<sup>([^<>]*)<\/sup>/gi, '^{$1}')
    .replace(/<sub>([^<>]*)<\/sub>/gi, '_{$1}')
    .replace(/<br\s*\/?>/gi, ' ')
    // Markers for the end of a turn in some chat templates.
    .replace(/(?:<\/s>|<\|[\w ]{1,30}\|>)+$/g, '');
  // From the inside out; the number of rounds is bounded.
  for (let round = 0; round < 4 && text.search(TAG) >= 0; round++) text = text.replace(TAG, '$2');
  return text;
}

/** Removes an unmatched `**` or backtick, too; `A*` is a grade, and `2**3` a power. */
function withoutMarkdown(text: string): string {
  return text
    .replace(/^#{1,6}\s+/, '')
    .replace(/^'([^']+)'$|^_([^\s_][^_]*)_$/, '$1$2')
    .replace(/(?<![\w)\]}*])\*\*(?=[^\s*])([^*]+?)\*\*(?![\w(*])/g, '$1')
    .replace(/^(\*{1,3}|_{2,3})(?=[^\s*_])(.*[^\s*_])\1$/s, '$2')
    .replace(/^\*{2,3}(?=\S)|(?<=\S)\s*\*{2,3}$/g, '')
    .replace(/(?<=[\d)}\]%])\*$/, '')
    .replace(/^`+|`+$/g, '')
    .replace(/(?<=\S)(?:\s*\\\\)+$/, '');
}

/** A delimiter at an end without its partner. */
function withoutStrays(text: string): string {
  let rest = text;
  for (const [open, close] of [
    ['\\(', '\\)'],
    ['\\[', '\\]'],
  ] as const) {
    if (rest.endsWith(close) && !rest.includes(open)) rest = rest.slice(0, -2);
    if (rest.startsWith(open) && !rest.includes(close)) rest = rest.slice(2);
  }
  return rest.trim();
}
