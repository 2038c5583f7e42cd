/**
 * Units. The rule: an answer without a unit equals one with any unit (`12` and `12 cm`); two stated units must measure
 * the same thing, and then the values are converted (`1 m` = `100 cm`, `10 N` = `10 kg m/s^2`, `12 cm` differs from `12
 * cm^2`). `units` and `square units` equal any unit. An unknown word (`12 apples`) is its own unit. Degrees Celsius,
 * Fahrenheit and kelvin are not converted.
 */
import { multiply, power, rational, type Rational } from './rational.ts';
import {
  OTHER_MEANINGS,
  PREFIXABLE,
  PREFIXABLE_NAMES,
  PREFIXES,
  PREFIX_NAMES,
  SYMBOLS,
  TABLE,
  WEAK,
  WITHIN,
  type Entry,
} from './unit-table.ts';

export interface Unit {
  /** Its value in the base unit of its dimension. */
  readonly factor: Rational;
  /** Dimension: base names and exponents, sorted: `length^2`, `length time^-1`. Empty matches any. */
  readonly dimension: string;
  /** Angles in radians are pi/180 of their factor's unit. */
  readonly radians: boolean;
  /** Another meaning of the name: `pounds`. */
  readonly other?: Unit;
  /** More often a variable than a unit. */
  readonly weak?: boolean;
}

const LETTER_UNIT = /^[A-Za-z]$/;
/**
 * Capital letters matter for these alone: `m` metre, `M` is not; `L`, `N`, `J`, `W`, `V`, `A`, `C`, `F`, `K`, `T` are
 * written as capitals.
 */
const CAPITAL_ONLY = new Set(['n', 'j', 'w', 'v', 'a', 'c', 'f', 'k', 't']);

const UNITS = mapOf(TABLE);
const OTHERS = mapOf(OTHER_MEANINGS);
const WEAK_UNITS = mapOf(WEAK);
const EXACT = mapOf(SYMBOLS);
const INSIDE = mapOf(WITHIN);
const PREFIXED = new RegExp(
  `^([${Object.keys(PREFIXES).join('')}])(${PREFIXABLE.map((symbol) => symbol.replace('\\', '\\\\')).join('|')})$`,
);
const PREFIXED_NAME = new RegExp(`^(${Object.keys(PREFIX_NAMES).join('|')})-?(${PREFIXABLE_NAMES.join('|')})$`);

function mapOf(table: readonly Entry[]): Map<string, Unit> {
  return new Map(
    table.flatMap(([names, dimension, factor]) =>
      names.split(' ').map((name) => [name, unitOf(dimension, factor, name)] as const),
    ),
  );
}

function unitOf(dimension: string, factor: string, name: string): Unit {
  const [n = '1', d = '1'] = factor.split('/');
  const places = n.split('.')[1]?.length ?? 0;
  const value = rational(BigInt(n.replace('.', '')), BigInt(d) * 10n ** BigInt(places));
  if (!value) throw new RangeError(`unit ${name}: bad factor ${factor}`);
  return { factor: value, dimension, radians: name.startsWith('rad') };
}

const NONE: Unit = unitOf('', '1', '');
const NAME = String.raw`(?:°\s*[CF]\b|(?:\\mu\s*|[kKMGmun]\s*)?\\Omega|\\mu\s*[A-Za-z]+|[A-Z]{1,2}\$|[A-Za-z]+|\p{Script=Han}+|°|\p{Sc})`;
const WORD = new RegExp(
  String.raw`\s*(\/?)\s*((?:(?:square|sq\.?|cubic|cu\.?)\s*)?${NAME})\.?\s*((?:\^\s*\{?\s*-?\d\s*\}?|[23](?![\d.]))?)(\s+squared|\s+cubed)?`,
  'iyu',
);

/**
 * Reads `cm`, `cm^2`, `cm^{2}`, `square cm`, `sq. ft`, `km/h`, `m s^{-1}`, `meters per second`, `apples`; null when it
 * is not a unit.
 */
export function parseUnit(text: string): Unit | null {
  let rest = text
    .trim()
    .replace(/\(s\)$/, 's')
    .replace(/\.$/, '');
  if (rest === '' || rest.length > 60) return null;
  rest = rest
    .replace(/\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/, '$1/$2')
    .replace(/\s*\bper\b\s*/gi, '/')
    .replace(/\/\s*\(([^()/]*)\)/, (_, below: string) =>
      below
        .trim()
        .split(/[\s*]+/)
        .map((word) => `/${word}`)
        .join(' '),
    )
    .replace(/\\cdot(?![a-z])|\*|(?<=[A-Za-z])-(?=[A-Za-z])/g, ' ')
    .replace(/\b(light|euro|mm)[ -](years?|cents?|Hg)\b/gi, '$1$2');
  const words: [string, string][] = [];
  const pattern = WORD;
  pattern.lastIndex = 0;
  while (pattern.lastIndex < rest.length && words.length < 6) {
    const match = pattern.exec(rest);
    if (!match) return null;
    const exponent = Number(
      /-?\d/.exec(match[3] ?? '')?.[0] ?? (/squared/i.test(match[4] ?? '') ? 2 : /cubed/i.test(match[4] ?? '') ? 3 : 1),
    );
    words.push([match[2] ?? '', String(match[1] === '/' ? -exponent : exponent)]);
  }
  if (pattern.lastIndex < rest.length) return null;
  const [only, ...more] = words;
  return (only?.[1] === '1' && more.length === 0 ? single(only[0]) : undefined) ?? combine(words);
}

/** Ambiguous names and single letters on their own: `5 C` is a temperature or a charge. */
function single(word: string): Unit | undefined {
  const other = INSIDE.get(word) ?? OTHERS.get(word.toLowerCase()) ?? OTHERS.get(word.toLowerCase().replace(/s$/, ''));
  const unit = lookUp(word, false);
  if (other && unit) return { ...unit, other };
  const weak = WEAK_UNITS.get(word);
  return weak && { ...weak, weak: true };
}

function combine(words: readonly (readonly [string, string])[]): Unit | null {
  let factor: Rational | null = NONE.factor;
  let radians = false;
  const dimension = new Map<string, number>();
  let unknown = false;
  const within = words.length > 1;
  for (const [word, exponent] of words) {
    const shape = /^(?:(square|sq)|cubic|cu)\.?\s+(.+)$/i.exec(word);
    const times = Number(exponent) * (shape ? (shape[1] ? 2 : 3) : 1);
    const found = lookUp(shape?.[2] ?? word, within);
    if (!found) {
      unknown = true;
      continue;
    }
    const scaled = power(found.factor, { n: BigInt(times), d: 1n });
    factor = factor && scaled && multiply(factor, scaled);
    radians ||= found.radians;
    for (const part of found.dimension.split(' ').filter(Boolean)) {
      const [name = '', own = '1'] = part.split('^');
      dimension.set(name, (dimension.get(name) ?? 0) + Number(own) * times);
    }
  }
  if (!factor) return null;
  const named = words.every(
    ([word, exponent]) => exponent === '1' || (exponent === '-1' && word.length > 2) || lookUp(word, within),
  );
  if (unknown)
    return named ? { ...NONE, dimension: words.map(([word, exponent]) => stem(word) + exponent).join(' ') } : null;
  const parts = [...dimension].filter(([, n]) => n !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return { factor, dimension: parts.map(([name, n]) => (n === 1 ? name : `${name}^${n}`)).join(' '), radians };
}

const stem = (word: string): string => `~${word.toLowerCase().replace(/(?<=..)s$/, '')}`;

/** `mPa` and `MPa`: the case of a prefix matters. `megapascals` is read too. */
function prefixed(word: string): Unit | undefined {
  const [, prefix = '', symbol = ''] = PREFIXED.exec(word) ?? [];
  const [, first = '', name = ''] = PREFIXED_NAME.exec(word.toLowerCase().replace(/s$/, '')) ?? [];
  const unit =
    INSIDE.get(symbol) ??
    EXACT.get(symbol) ??
    UNITS.get(symbol) ??
    UNITS.get(symbol.toLowerCase()) ??
    UNITS.get(name === 'ohm' ? '\\Omega' : name);
  const exponent = PREFIXES[prefix] ?? PREFIX_NAMES[first];
  if (!unit || exponent === undefined) return undefined;
  const scale = power({ n: 10n, d: 1n }, { n: BigInt(exponent), d: 1n });
  const factor = scale && multiply(unit.factor, scale);
  return factor ? { ...unit, factor } : undefined;
}

/** `within`: among other units, where `C` is no temperature. */
function lookUp(raw: string, within: boolean): Unit | undefined {
  const word = raw.replace(/\\mu\s*/, 'u').replace(/\s/g, '');
  const exactly = EXACT.get(word) ?? (within ? INSIDE.get(word) : undefined);
  // `min`, `ft`, `cd` and `Pa` are not prefixed units.
  const si = exactly ?? prefixed(word);
  if (si) return si;
  if (LETTER_UNIT.test(word)) {
    const lower = word.toLowerCase();
    if (CAPITAL_ONLY.has(lower) ? word === lower : word !== lower && lower !== 'l') return undefined;
    return UNITS.get(lower);
  }
  const named = UNITS.get(word);
  if (named || word.startsWith('\\')) return named;
  const lower = word.toLowerCase();
  return (
    UNITS.get(lower) ??
    (lower.length > 3 || lower.endsWith('s') ? UNITS.get(lower.replace(/s$/, '')) : undefined) ??
    prefixed(lower)
  );
}
