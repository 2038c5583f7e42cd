/**
 * Units. The rule: an answer without a unit equals one with any unit (`12` and `12 cm`); two stated units must measure the same thing,
 * and then the values are converted (`1 m` = `100 cm`, `12 cm` differs from `12 cm^2`). `units` and `square units` say nothing and
 * equal any. A word that is no unit we know (`12 apples`) is a unit of its own. Degrees Celsius, Fahrenheit and kelvin are not converted.
 */
import { multiply, power, rational, type Rational } from './rational.ts';

export interface Unit {
  /** What one of it is in the base unit of its dimension. */
  readonly factor: Rational;
  /** Dimension: base names and exponents, sorted: `length^2`, `length time^-1`. Empty says nothing. */
  readonly dimension: string;
  /** Angles in radians are pi/180 of their factor's unit. */
  readonly radians: boolean;
}

type Entry = readonly [names: string, dimension: string, factor: string];

/** Factors as decimals or fractions; exact by definition of the unit. */
const TABLE: readonly Entry[] = [
  ['m meter metre', 'length', '1'],
  ['km kilometer kilometre', 'length', '1000'],
  ['dm decimeter decimetre', 'length', '0.1'],
  ['cm centimeter centimetre', 'length', '0.01'],
  ['mm millimeter millimetre', 'length', '0.001'],
  ['\\mum micrometer micron um', 'length', '0.000001'],
  ['nm nanometer', 'length', '0.000000001'],
  ['in inch inche', 'length', '0.0254'],
  ['ft foot feet', 'length', '0.3048'],
  ['yd yard', 'length', '0.9144'],
  ['mi mile', 'length', '1609.344'],
  ['g gram gramme', 'mass', '0.001'],
  ['kg kilogram', 'mass', '1'],
  ['mg milligram', 'mass', '0.000001'],
  ['ton tonne', 'mass', '1000'],
  ['lb pound', 'mass', '0.45359237'],
  ['oz ounce', 'mass', '0.028349523125'],
  ['s sec second', 'time', '1'],
  ['ms millisecond', 'time', '0.001'],
  ['min minute', 'time', '60'],
  ['h hr hour', 'time', '3600'],
  ['d day', 'time', '86400'],
  ['wk week', 'time', '604800'],
  ['month', 'month', '1'],
  ['yr year', 'month', '12'],
  ['l liter litre', 'length^3', '0.001'],
  ['dl deciliter', 'length^3', '0.0001'],
  ['ml milliliter millilitre cc', 'length^3', '0.000001'],
  ['gallon gal', 'length^3', '0.003785411784'],
  ['quart qt', 'length^3', '0.000946352946'],
  ['pint pt', 'length^3', '0.000473176473'],
  ['cup', 'length^3', '0.0002365882365'],
  ['ha hectare', 'length^2', '10000'],
  ['acre', 'length^2', '4046.8564224'],
  ['° deg degree', 'angle', '1'],
  ['arcmin', 'angle', '1/60'],
  ['arcsec', 'angle', '1/3600'],
  ['rad radian', 'angle', '1'],
  ['$ dollar usd buck', 'dollar', '1'],
  ['¢ cent penny pennie', 'dollar', '0.01'],
  ['€ euro eur', 'euro', '1'],
  ['£ gbp', 'sterling', '1'],
  ['¥ yen yuan rmb cny jpy', 'yen', '1'],
  ['jiao', 'yen', '0.1'],
  ['fen', 'yen', '0.01'],
  ['item', 'item', '1'],
  ['₹ rupee inr rs', 'rupee', '1'],
  ['hz hertz', 'frequency', '1'],
  ['khz kilohertz', 'frequency', '1000'],
  ['n newton', 'force', '1'],
  ['kn kilonewton', 'force', '1000'],
  ['j joule', 'energy', '1'],
  ['kj kilojoule', 'energy', '1000'],
  ['cal calorie', 'energy', '4.184'],
  ['kcal kilocalorie', 'energy', '4184'],
  ['kwh', 'energy', '3600000'],
  ['w watt', 'power', '1'],
  ['kw kilowatt', 'power', '1000'],
  ['pa pascal', 'pressure', '1'],
  ['kpa', 'pressure', '1000'],
  ['v volt', 'voltage', '1'],
  ['a amp ampere', 'current', '1'],
  ['ma milliamp', 'current', '0.001'],
  ['\\Omega ohm', 'resistance', '1'],
  ['c celsius °c', 'celsius', '1'],
  ['f fahrenheit °f', 'fahrenheit', '1'],
  ['k kelvin', 'kelvin', '1'],
  ['mol mole', 'amount', '1'],
  ['mph', 'length time^-1', '0.44704'],
  ['kph kmph', 'length time^-1', '5/18'],
  ['unit', '', '1'],
];
const LETTER_UNIT = /^[A-Za-z]$/;
/** Capital letters matter for these alone: `m` metre, `M` is not; `L`, `N`, `J`, `W`, `V`, `A`, `C`, `F`, `K` are written as capitals. */
const CAPITAL_ONLY = new Set(['n', 'j', 'w', 'v', 'a', 'c', 'f', 'k']);

const UNITS = new Map(
  TABLE.flatMap(([names, dimension, factor]) => names.split(' ').map((name) => [name, unitOf(dimension, factor, name)] as const)),
);

function unitOf(dimension: string, factor: string, name: string): Unit {
  const [n = '1', d = '1'] = factor.split('/');
  const places = n.split('.')[1]?.length ?? 0;
  const value = rational(BigInt(n.replace('.', '')), BigInt(d) * 10n ** BigInt(places));
  if (!value) throw new RangeError(`unit ${name}: bad factor ${factor}`);
  return { factor: value, dimension, radians: name.startsWith('rad') };
}

const NONE: Unit = unitOf('', '1', '');

/** Reads `cm`, `cm^2`, `cm^{2}`, `square cm`, `sq. ft`, `km/h`, `m s^{-1}`, `meters per second`, `apples`; null when it is not a unit. */
export function parseUnit(text: string): Unit | null {
  let rest = text
    .trim()
    .replace(/\(s\)$/, 's')
    .replace(/\.$/, '');
  if (rest === '' || rest.length > 60) return null;
  rest = rest
    .replace(/\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/, '$1/$2')
    .replace(/\s*\bper\b\s*/gi, '/')
    .replace(/\\cdot|\*/g, ' ');
  const words: [string, string][] = [];
  const pattern =
    /\s*(\/?)\s*((?:(?:square|sq\.?|cubic|cu\.?)\s*)?(?:°\s*[CF]\b|[A-Za-z]+|[°$¢€£¥₹]|\\mu\s*m|\\Omega))\.?\s*((?:\^\s*\{?\s*-?\d\s*\}?|[23](?![\d.]))?)(\s+squared|\s+cubed)?/iy;
  while (pattern.lastIndex < rest.length && words.length < 6) {
    const match = pattern.exec(rest);
    if (!match) return null;
    const exponent = Number(/-?\d/.exec(match[3] ?? '')?.[0] ?? (/squared/i.test(match[4] ?? '') ? 2 : /cubed/i.test(match[4] ?? '') ? 3 : 1));
    words.push([match[2] ?? '', String(match[1] === '/' ? -exponent : exponent)]);
  }
  if (pattern.lastIndex < rest.length) return null;
  return combine(words);
}

function combine(words: readonly (readonly [string, string])[]): Unit | null {
  let factor: Rational | null = NONE.factor;
  let radians = false;
  const dimension = new Map<string, number>();
  let unknown = false;
  for (const [word, exponent] of words) {
    const shape = /^(?:(square|sq)|cubic|cu)\.?\s+(.+)$/i.exec(word);
    const times = Number(exponent) * (shape ? (shape[1] ? 2 : 3) : 1);
    const found = lookUp(shape?.[2] ?? word);
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
  const named = words.every(([word, exponent]) => exponent === '1' || (exponent === '-1' && word.length > 2) || lookUp(word));
  if (unknown) return named ? { ...NONE, dimension: words.map(([word, exponent]) => stem(word) + exponent).join(' ') } : null;
  const parts = [...dimension].filter(([, n]) => n !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return { factor, dimension: parts.map(([name, n]) => (n === 1 ? name : `${name}^${n}`)).join(' '), radians };
}

const stem = (word: string): string => `~${word.toLowerCase().replace(/(?<=..)s$/, '')}`;

const PREFIXES: Readonly<Record<string, number>> = { G: 9, M: 6, k: 3, d: -1, c: -2, m: -3, u: -6, n: -9, p: -12 };
const PREFIXED = /^([GMkdcmunp])(m|g|s|l|L|Hz|N|J|W|Pa|V|A|F|C|H|mol|eV|\\Omega)$/;
/** Units that the table lacks, for their symbols alone. */
const SI: Readonly<Record<string, Unit>> = {
  F: unitOf('capacitance', '1', 'farad'),
  C: unitOf('charge', '1', 'coulomb'),
  H: unitOf('inductance', '1', 'henry'),
  eV: unitOf('electronvolt', '1', 'eV'),
};

/** `mPa` and `MPa`: the case of a prefix matters. */
function prefixed(word: string): Unit | undefined {
  const [, prefix = '', symbol = ''] = PREFIXED.exec(word) ?? [];
  const unit = SI[symbol] ?? UNITS.get(symbol) ?? UNITS.get(symbol.toLowerCase());
  const exponent = PREFIXES[prefix];
  if (!unit || exponent === undefined) return undefined;
  const scale = power({ n: 10n, d: 1n }, { n: BigInt(exponent), d: 1n });
  const factor = scale && multiply(unit.factor, scale);
  return factor ? { ...unit, factor } : undefined;
}

function lookUp(raw: string): Unit | undefined {
  const word = raw.replace(/\s/g, '');
  const si = prefixed(word);
  if (si) return si;
  if (LETTER_UNIT.test(word)) {
    const lower = word.toLowerCase();
    if (CAPITAL_ONLY.has(lower) ? word === lower : word !== lower && lower !== 'l') return undefined;
    return UNITS.get(lower);
  }
  if (word.startsWith('\\')) return UNITS.get(word);
  const lower = word.toLowerCase();
  return UNITS.get(lower) ?? (lower.length > 3 || lower.endsWith('s') ? UNITS.get(lower.replace(/s$/, '')) : undefined);
}
