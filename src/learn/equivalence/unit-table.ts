/**
 * The units that answers state. Factors are decimals or fractions, exact where the unit is defined so. Names are
 * compared without case.
 */

export type Entry = readonly [names: string, dimension: string, factor: string];

const FORCE = 'length mass time^-2';
const ENERGY = 'length^2 mass time^-2';
const POWER = 'length^2 mass time^-3';
const PRESSURE = 'length^-1 mass time^-2';
const VOLTAGE = 'current^-1 length^2 mass time^-3';

export const TABLE: readonly Entry[] = [
  ['m meter metre', 'length', '1'],
  ['micron', 'length', '0.000001'],
  ['in inch inche', 'length', '0.0254'],
  ['ft foot feet', 'length', '0.3048'],
  ['yd yard', 'length', '0.9144'],
  ['mi mile', 'length', '1609.344'],
  ['angstrom', 'length', '0.0000000001'],
  ['ly lightyear', 'length', '9460730472580800'],
  ['au', 'length', '149597870700'],
  ['g gram gramme', 'mass', '0.001'],
  ['ton tonne', 'mass', '1000'],
  ['lb pound', 'mass', '0.45359237'],
  ['oz ounce', 'mass', '0.028349523125'],
  ['stone', 'mass', '6.35029318'],
  ['s sec second', 'time', '1'],
  ['min minute', 'time', '60'],
  ['h hr hour', 'time', '3600'],
  ['d day', 'time', '86400'],
  ['wk week', 'time', '604800'],
  ['fortnight', 'time', '1209600'],
  ['month', 'month', '1'],
  ['yr year', 'month', '12'],
  ['decade', 'month', '120'],
  ['century centurie', 'month', '1200'],
  ['millennium millennia', 'month', '12000'],
  ['l liter litre', 'length^3', '0.001'],
  ['cc', 'length^3', '0.000001'],
  ['gallon gal', 'length^3', '0.003785411784'],
  ['quart qt', 'length^3', '0.000946352946'],
  ['pint pt', 'length^3', '0.000473176473'],
  ['cup', 'length^3', '0.0002365882365'],
  ['tablespoon tbsp', 'length^3', '0.00001478676478125'],
  ['teaspoon tsp', 'length^3', '0.00000492892159375'],
  ['ha hectare', 'length^2', '10000'],
  ['acre', 'length^2', '4046.8564224'],
  ['° deg degree', 'angle', '1'],
  ['arcmin', 'angle', '1/60'],
  ['arcsec', 'angle', '1/3600'],
  ['rad radian', 'angle', '1'],
  ['turn rev revolution', 'turn', '1'],
  ['rpm', 'time^-1 turn', '1/60'],
  ['beat', 'beat', '1'],
  ['bpm', 'beat time^-1', '1/60'],
  ['$ dollar usd buck', 'dollar', '1'],
  ['¢ cent penny pennie', 'dollar', '0.01'],
  ['dime', 'dollar', '0.1'],
  ['nickel', 'dollar', '0.05'],
  ['€ euro eur', 'euro', '1'],
  ['eurocent', 'euro', '0.01'],
  ['£ gbp quid', 'sterling', '1'],
  ['pence', 'sterling', '0.01'],
  ['¥ yen yuan rmb cny jpy', 'yen', '1'],
  ['jiao', 'yen', '0.1'],
  ['fen', 'yen', '0.01'],
  ['₹ rupee inr rs', 'rupee', '1'],
  ['paise paisa', 'rupee', '0.01'],
  ['C$ CA$ cad', 'cad', '1'],
  ['A$ AU$ aud', 'aud', '1'],
  ['₩ krw', 'won', '1'],
  ['₽ rub ruble rouble', 'ruble', '1'],
  ['item', 'item', '1'],
  ['hz hertz', 'time^-1', '1'],
  ['n newton', FORCE, '1'],
  ['j joule', ENERGY, '1'],
  ['cal calorie', ENERGY, '4.184'],
  ['kwh', ENERGY, '3600000'],
  ['ev electronvolt', ENERGY, '0.0000000000000000001602176634'],
  ['w watt', POWER, '1'],
  ['hp horsepower', POWER, '745.69987158227022'],
  ['pa pascal', PRESSURE, '1'],
  ['bar', PRESSURE, '100000'],
  ['atm atmosphere', PRESSURE, '101325'],
  ['torr mmhg', PRESSURE, '101325/760'],
  ['psi', PRESSURE, '6894.757293168'],
  ['v volt', VOLTAGE, '1'],
  ['a amp ampere', 'current', '1'],
  ['\\Omega ohm', 'current^-2 length^2 mass time^-3', '1'],
  ['coulomb', 'current time', '1'],
  ['farad', 'current^2 length^-2 mass^-1 time^4', '1'],
  ['henry henrie', 'current^-2 length^2 mass time^-2', '1'],
  ['t tesla', 'current^-1 mass time^-2', '1'],
  ['wb weber', 'current^-1 length^2 mass time^-2', '1'],
  ['c celsius °c', 'celsius', '1'],
  ['f fahrenheit °f', 'fahrenheit', '1'],
  ['k kelvin', 'kelvin', '1'],
  ['mol mole', 'amount', '1'],
  ['cd candela', 'candela', '1'],
  ['lm lumen', 'lumen', '1'],
  ['lx lux', 'length^-2 lumen', '1'],
  ['bq becquerel', 'becquerel', '1'],
  ['gy gray', 'gray', '1'],
  ['sv sievert', 'sievert', '1'],
  ['db decibel', 'decibel', '1'],
  ['bit', 'bit', '1'],
  ['byte', 'bit', '8'],
  ['mph', 'length time^-1', '0.44704'],
  ['kph kmph', 'length time^-1', '5/18'],
  ['knot', 'length time^-1', '1852/3600'],
  ['unit', '', '1'],
];

/** Names that mean a second thing: `5 pounds` is £5, too, and a cent one of a euro. */
export const OTHER_MEANINGS: readonly Entry[] = [
  ['pound', 'sterling', '1'],
  ['penny pennie', 'sterling', '0.01'],
  ['¢ cent', 'euro', '0.01'],
];

/** Letters that are more often a variable: units only if the other answer states one. */
export const WEAK: readonly Entry[] = [
  ['p', 'sterling', '0.01'],
  ['c', 'dollar', '0.01'],
];

/** Symbols in this case alone; `C` and `F` by themselves are degrees. */
export const SYMBOLS: readonly Entry[] = [
  ['Nm', ENERGY, '1'],
  ['Ws', ENERGY, '1'],
  ['Wh', ENERGY, '3600'],
  ['Ah', 'current time', '3600'],
  ['B', 'bit', '8'],
  ['dB', 'decibel', '1'],
  ['t', 'mass', '1000'],
];
export const WITHIN: readonly Entry[] = [
  ['C', 'current time', '1'],
  ['F', 'current^2 length^-2 mass^-1 time^4', '1'],
  ['H', 'current^-2 length^2 mass time^-2', '1'],
];

/** Powers of ten. */
export const PREFIXES: Readonly<Record<string, number>> = {
  T: 12,
  G: 9,
  M: 6,
  k: 3,
  K: 3,
  h: 2,
  d: -1,
  c: -2,
  m: -3,
  u: -6,
  n: -9,
  p: -12,
  f: -15,
};
export const PREFIXABLE =
  'm g s l L Hz N J W Wh Ws Pa V A Ah F C H T Wb mol eV cal bar bit B Bq Gy Sv lm lx Nm \\Omega'.split(' ');
export const PREFIX_NAMES: Readonly<Record<string, number>> = {
  tera: 12,
  giga: 9,
  mega: 6,
  meg: 6,
  kilo: 3,
  kil: 3,
  hecto: 2,
  deca: 1,
  deci: -1,
  centi: -2,
  milli: -3,
  micro: -6,
  nano: -9,
  pico: -12,
  femto: -15,
};
export const PREFIXABLE_NAMES =
  'meter metre gram gramme second liter litre hertz newton joule watt pascal volt amp ampere ohm coulomb farad henry tesla weber mole calorie electronvolt bit byte becquerel gray sievert ton tonne bar'.split(
    ' ',
  );
