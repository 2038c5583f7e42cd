/**
 * Chemical formulas, ions and reactions, and genotypes: compared sign by sign, in the same case. As products, `CO2` and
 * `2CO` would be equal.
 */
import type { Value } from './value.ts';

const ELEMENTS =
  'H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba W Pt Au Hg Pb Bi U';
const ELEMENT = `(?:${ELEMENTS.split(' ')
  .toSorted((a, b) => b.length - a.length)
  .join('|')})`;
const GROUP = String.raw`(?:${ELEMENT}|\((?:${ELEMENT}\d*)+\)|\[(?:${ELEMENT}\d*|\((?:${ELEMENT}\d*)+\)\d*)+\])\d*`;
const FORMULA = new RegExp(String.raw`^(\d*)((?:${GROUP})+)((?:\^?\d?[+-]|\^[+-]\d)?)(\((?:s|l|g|aq)\))?$`);
/** The elements that come as molecules. */
const MOLECULE = /^\d*(?:H2|O2|N2|F2|Cl2|Br2|I2|O3|P4|S8)$/;
const ARROW = /\s*(?:\\(?:long)?rightarrow|\\to(?![a-z])|\\rightleftharpoons|-+>|=)\s*/;
const GENOTYPE = /^(?:[A-Za-z]{2}){2,4}$/;

/**
 * Reads normalised text; `whole` where it is all of an answer, which a lone `O_2` must be: elsewhere it is a variable.
 */
export function readChemistry(text: string, whole: boolean): Value | null {
  if (text.length > 120 || !/[A-Z]/.test(text)) return null;
  const flat = text
    .replace(/_\s*\{?(\d+)\}?/g, '$1')
    .replace(/\^\s*\{?\s*(\d*[+-]\d*)\s*\}?/g, '^$1')
    .replace(/\s*\((s|l|g|aq)\)/g, '($1)');
  const written =
    reaction(flat) ?? hydrate(flat) ?? (whole || !MOLECULE.test(flat) ? compound(flat) : null) ?? genotype(text);
  return written === null ? null : { type: 'written', text: written };
}

/** `SO4^2-`: what is certainly a formula has a charge, or a subscript and two elements. */
function compound(text: string): string | null {
  if (MOLECULE.test(text)) return text;
  const formula = FORMULA.exec(text.replace(/(?<=[A-Za-z\d)\]]) (?=\d?[+-]$)/, '^'));
  if (!formula) return null;
  const [, coefficient = '', typed = '', charge = '', state = ''] = formula;
  if (charge !== '' && coefficient === '') return ion(typed, charge) + state;
  return charge === '' && /[A-Za-z)\]]\d/.test(typed) && /[A-Z].*[A-Z]/.test(typed)
    ? coefficient + typed + state
    : null;
}

/** `Fe3+` and `Fe^{+3}` are `Fe^3+`, `SO42-` is `SO4^2-` and `NH4+` is `NH4^+`. */
function ion(typed: string, charge: string): string {
  const alone = /^([A-Z][a-z]?|\[.*\]|[A-Z].*[A-Z].*\d)(\d)$/.exec(typed);
  const moved = alone && !charge.startsWith('^') ? alone[2] : undefined;
  const size = (/\d/.exec(charge)?.[0] ?? moved ?? '').replace(/^1$/, '');
  return `${moved === undefined ? typed : (alone?.[1] ?? '')}^${size}${charge.includes('-') ? '-' : '+'}`;
}

function hydrate(text: string): string | null {
  const parts = text.split(/\s*\\cdot\s*/);
  return parts.length === 2 && parts.every((part) => compound(part) !== null) ? parts.join('.') : null;
}

/** The terms of a side have no order. */
function reaction(text: string): string | null {
  const sides = text.split(ARROW);
  if (sides.length !== 2) return null;
  const terms = sides.map((side) =>
    side.split(/\s*\+\s+|\s+\+\s*|(?<=[a-z\d)])\+(?=[A-Z\d])/).map((term) => term.replace(/^(\d+)\s+/, '$1')),
  );
  if (!terms.flat().every((term) => FORMULA.test(term)) || !terms.flat().some((term) => compound(term) !== null))
    return null;
  return terms.map((side) => side.toSorted().join(' + ')).join(' -> ');
}

/** Each gene once: two letters that differ in case at most, in any order, and both cases somewhere. */
function genotype(text: string): string | null {
  if (!GENOTYPE.test(text) || text === text.toUpperCase() || text === text.toLowerCase()) return null;
  const pairs = text.match(/../g) ?? [];
  if (!pairs.every((pair) => pair[0]?.toLowerCase() === pair[1]?.toLowerCase())) return null;
  return pairs
    .map((pair) => [...pair].toSorted().join(''))
    .toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
    .join('');
}
