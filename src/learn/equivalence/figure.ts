/**
 * Figures by the names of their points. Until it is read, a figure's kind is one sign before its name (`∠ABC`, `‾AB`):
 * a name alone fits a figure of any kind, and two figures of one name and different kinds differ.
 */
import { exact } from './evaluate.ts';
import { productOf } from './expression.ts';
import type { Figure, Value } from './value.ts';

const POINTS = String.raw`[A-Z]'{0,2}(?:[A-Z]'{0,2}){0,4}`;
const PAIR = String.raw`\s*\{\s*([A-Z]'{0,2}\s*[A-Z]'{0,2})\s*\}`;
const BEFORE_PAIR = String.raw`\s+(?=(?:[A-Z]'{0,2}){2}(?![A-Za-z']))`;

const MARKS: readonly (readonly [RegExp, string])[] = [
  [/(?:\bm\s*)?\\(?:measured)?angle(?![a-z])\s*/g, '∠'],
  [/(?:\bm\s*)?\b[Aa]ngles?\s+(?=(?:[A-Z]{1,3}|\d)(?![\w.]))/g, '∠'],
  [/^(?:m\s*)?<\s*(?=[A-Z](?:[A-Z]{2})?(?![A-Za-z]))/g, '∠'],
  [/\b(?:[Ss]ide|[Cc]hord|[Dd]iameter|[Rr]adius|[Dd]iagonal|[Pp]lane)\s+(?=[A-Z]{2,4}(?![A-Za-z]))/g, ''],
  [/\\widehat\s*\{\s*([A-Z]{3})\s*\}/g, '∠$1'],
  [/\\(?:big)?triangle(?![a-z])\s*/g, '△'],
  [/\\Delta\s*(?=[A-Z]{3}(?![A-Za-z]))/g, '△'],
  [/\b[Tt]riangle\s+(?=[A-Z]{1,3}\b)/g, '△'],
  [new RegExp(String.raw`\\overleftrightarrow${PAIR}`, 'g'), '↔$1'],
  [new RegExp(String.raw`\\(?:overrightarrow|vec|overset\s*\{\s*\\(?:long)?rightarrow\s*\})${PAIR}`, 'g'), '→$1'],
  [new RegExp(String.raw`\\(?:overset\s*\{\s*\\frown\s*\}|overparen|wideparen|widehat|arc)${PAIR}`, 'g'), '⌒$1'],
  [new RegExp(String.raw`\\(?:overline|bar)${PAIR}`, 'g'), '‾$1'],
  [new RegExp(String.raw`\b(?:[Ll]ine\s+)?[Ss]egment${BEFORE_PAIR}`, 'g'), '‾'],
  [new RegExp(String.raw`\b(?:[Ss]traight\s+)?[Ll]ine${BEFORE_PAIR}`, 'g'), '↔'],
  [new RegExp(String.raw`\b(?:[Rr]ay|[Vv]ector)${BEFORE_PAIR}`, 'g'), '→'],
  [new RegExp(String.raw`\b(?:[Mm]inor\s+|[Mm]ajor\s+)?[Aa]rc${BEFORE_PAIR}`, 'g'), '⌒'],
  [/(?:\\odot(?![a-z])\s*|⊙\s*|\b[Cc]ircle\s+)(?=[A-Z]\b)/g, '⊙'],
];
/** Relations of figures. */
const NAME = String.raw`(?:(?:lines?|planes?|segments?|rays?|sides?)\s+)?([∠△‾→↔⌒⊙]?${POINTS}|[a-z]|\\[a-z]+ ?)`;
const RELATIONS: readonly (readonly [RegExp, string])[] = [
  [/(?<=[A-Z])\s*\\cong(?![a-z])\s*(?=[∠△‾→↔⌒⊙A-Z])/g, ' \\congruent '],
  [/(?<=[A-Z])\s*(?:\\sim(?![a-z])\s*|\s~\s+)(?=[△A-Z])/g, ' \\similar '],
  [/(?<=[A-Z]'?)\s*(?:\|\||\\\||\/\/)\s*(?=[‾→↔A-Z])/g, ' \\parallel '],
  [/^([a-z])\s*(?:\|\||\/\/)\s*([a-z])$/, '$1 \\parallel $2'],
  [new RegExp(String.raw`^${NAME}\s+(?:is|are)\s+parallel\s+to\s+${NAME}$`), '$1 \\parallel $2'],
  [new RegExp(String.raw`^${NAME}\s+(?:is|are)\s+perpendicular\s+to\s+${NAME}$`), '$1 \\perp $2'],
  [new RegExp(String.raw`^${NAME}\s+and\s+${NAME}\s+are\s+parallel$`), '$1 \\parallel $2'],
  [new RegExp(String.raw`^${NAME}\s+and\s+${NAME}\s+are\s+perpendicular$`), '$1 \\perp $2'],
];

export function markFigures(text: string): string {
  return [...MARKS, ...RELATIONS].reduce((so, [pattern, mark]) => so.replace(pattern, mark), text);
}

export const withoutMarks = (text: string): string => text.replace(/[∠△‾→↔⌒⊙]/g, '');

const KINDS = new Map<string, Figure['kind']>(
  Object.entries({
    '∠': 'angle',
    '△': 'triangle',
    '‾': 'segment',
    '→': 'ray',
    '↔': 'line',
    '⌒': 'arc',
    '⊙': 'circle',
  } as const),
);
const MARKED = new RegExp(String.raw`^([∠△‾→↔⌒⊙])\s*(${POINTS}|\d)$`);

export function readFigure(text: string): Figure | null {
  const [, mark = '', name = ''] = MARKED.exec(text) ?? [];
  const kind = KINDS.get(mark);
  return kind === undefined ? null : { type: 'figure', kind, points: name.match(/[A-Z\d]'*/g) ?? [] };
}

/** An angle is named from either side, a segment, a line and an arc from either end; a ray from where it begins. */
export function sameFigure(a: Figure, b: Value): boolean | null {
  const names = [a.points.join('')];
  if (a.kind !== 'ray' && a.kind !== 'triangle') names.push(a.points.toReversed().join(''));
  if (b.type === 'figure') return a.kind === b.kind && names.includes(b.points.join(''));
  const name = nameOf(b);
  return name === null ? null : names.includes(name);
}

/** A bare name, whose kind is unknown. */
function nameOf(value: Value): string | null {
  if (value.type === 'choice') return value.rest ? null : value.letter;
  if (value.type === 'words') return /^[a-z]{1,5}$/.test(value.text) ? value.text.toUpperCase() : null;
  if (value.type !== 'quantity') return null;
  const { expression: e } = value;
  if (e.type === 'operation') return productOf(e);
  if (e.type === 'variable' || e.type === 'constant') return e.name.toUpperCase();
  const number = exact(e);
  return number?.d === 1n ? String(number.n) : null;
}
