/**
 * What looks like arithmetic and is not: ranges and scores (`20-30`, `3-1`, `2019-20`), dates with slashes, formulas (`CO2`), genotypes (`AaBb`). Each
 * is compared part by part: read as a difference or a product, `20-30` and `30-40` would be one vote.
 */
import type { Value } from './value.ts';

const NUMBER = String.raw`[$€£¥]?\s*\d+(?:,\d{3})*(?:\.\d+)?`;
/** A unit or a noun; not a name of mathematics, which makes it a difference (`3-2 pi`). */
const NOUN = String.raw`(?:\s*[%°]|\s*(?!(?:or|and|pi)\b|sqrt|sin|cos|tan|log|ln)[A-Za-z]{2,}\.?|\s+(?!(?:or|and|pi|[xyzei])\b)[A-Za-z]+)`;
const RANGE = new RegExp(String.raw`^(?:from\s+)?(${NUMBER})(${NOUN})?\s*-\s*(${NUMBER})(${NOUN})?$`, 'i');
const HYPHENS = /^\d+(?:-\d+){2,}$/;
const SLASHES = /^(\d{1,2})\/(\d{1,2})\/(\d{2}|\d{4})$/;
const ELEMENTS =
  'H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba W Pt Au Hg Pb Bi U';
const ELEMENT = ELEMENTS.split(' ')
  .toSorted((a, b) => b.length - a.length)
  .join('|');
/** At least two elements, or groups in parentheses, and a subscript. */
const FORMULA = new RegExp(String.raw`^\d*(?=.*[A-Za-z)]\d)(?:(?:${ELEMENT}|\((?:(?:${ELEMENT})\d*)+\))\d*){2,}$`);
const GENOTYPE = /^(?:[A-Za-z]{2}){2,4}$/;

/** Reads normalised text. */
export function readStructured(text: string): Value | null {
  const range = RANGE.exec(text);
  if (range) return parts('range', plain(range[1]), plain(range[3]), noun(range[4] ?? range[2]));
  if (HYPHENS.test(text)) return parts('hyphens', text);
  const date = SLASHES.exec(text);
  if (date) return parts('date', ...date.slice(1).map((part) => String(Number(part))));
  const formula = text.replace(/_\{?(\d+)\}?/g, '$1');
  if (FORMULA.test(formula)) return parts('formula', formula);
  if (isGenotype(text)) return parts('genotype', text);
  return null;
}

/** Words of their own kind: they equal only what is read so too, part by part and in the same case. */
const parts = (kind: string, ...values: readonly string[]): Value => ({ type: 'words', text: `${kind}: ${values.filter(Boolean).join(' ')}` });

const plain = (number = ''): string => number.replace(/[\s,]/g, '');
const noun = (text = ''): string =>
  text
    .trim()
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/(?<=..)s$/, '');

/** Each gene once or more: two letters that differ in case at most, and both cases somewhere. */
function isGenotype(text: string): boolean {
  if (!GENOTYPE.test(text) || text === text.toUpperCase() || text === text.toLowerCase()) return false;
  const pairs = text.match(/../g) ?? [];
  return pairs.every((pair) => pair[0]?.toLowerCase() === pair[1]?.toLowerCase());
}

/** Words that turn an amount around: `$5 profit` is not `$5 loss`. */
const OPPOSITES: readonly (readonly [RegExp, RegExp])[] = [
  [/\b(?:profit|gain|surplus|won|deposit)\b/i, /\b(?:loss|deficit|lost|withdrawal)\b/i],
  [
    /\b(?:increase[ds]?|rise|rose|up|upwards?|growth|more|above|over)\b/i,
    /\b(?:decrease[ds]?|fall|fell|down|downwards?|decline|less|fewer|below|under)\b/i,
  ],
  [/\b(?:left|leftwards?)\b/i, /\b(?:right|rightwards?)\b/i],
  [/\b(?:north|N)\b/, /\b(?:south|S)\b/],
  [/\b(?:east|E)\b/, /\b(?:west|W)\b/],
  [/\b(?:clockwise)\b/i, /\b(?:counter-?clockwise|anti-?clockwise)\b/i],
  [/\b(?:forwards?|ahead)\b/i, /\b(?:backwards?|behind)\b/i],
];

export function areOpposite(a: string, b: string): boolean {
  if (!/\d/.test(a) || !/\d/.test(b)) return false;
  return OPPOSITES.some(([one, other]) => {
    const says = (text: string): readonly [boolean, boolean] => [one.test(text), other.test(text)];
    const [[x, y], [p, q]] = [says(a), says(b)];
    return x !== y && p !== q && x !== p;
  });
}
