/** Complex doubles. An undefined result is NaN, never an exception. */

export interface Complex {
  readonly re: number;
  readonly im: number;
}

const NOT_DEFINED: Complex = { re: NaN, im: NaN };

export const real = (re: number): Complex => ({ re, im: 0 });
export const abs = (z: Complex): number => Math.hypot(z.re, z.im);
export const isFinite = (z: Complex): boolean => Number.isFinite(z.re) && Number.isFinite(z.im);
export const add = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });
export const subtract = (a: Complex, b: Complex): Complex => ({ re: a.re - b.re, im: a.im - b.im });

export function multiply(a: Complex, b: Complex): Complex {
  if (a.im === 0 && b.im === 0) return real(a.re * b.re);
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

export function divide(a: Complex, b: Complex): Complex {
  if (a.im === 0 && b.im === 0) return b.re === 0 ? NOT_DEFINED : real(a.re / b.re);
  const size = b.re * b.re + b.im * b.im;
  return size === 0 ? NOT_DEFINED : { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
}

export function power(a: Complex, b: Complex, complex: boolean): Complex {
  if (a.im === 0 && b.im === 0 && (a.re >= 0 || Number.isInteger(b.re))) return real(a.re ** b.re);
  if (b.im === 0 && Number.isInteger(b.re) && Math.abs(b.re) <= 64) return wholePower(a, b.re);
  if (!complex) return NOT_DEFINED;
  return abs(a) === 0 ? NOT_DEFINED : exp(multiply(b, ln(a)));
}

function wholePower(a: Complex, n: number): Complex {
  let product = real(1);
  for (let i = 0; i < Math.abs(n); i++) product = multiply(product, a);
  return n < 0 ? divide(real(1), product) : product;
}

const ln = (z: Complex): Complex => ({ re: Math.log(abs(z)), im: Math.atan2(z.im, z.re) });

function exp(z: Complex): Complex {
  const size = Math.exp(z.re);
  return z.im === 0 ? real(size) : { re: size * Math.cos(z.im), im: size * Math.sin(z.im) };
}

const REAL = new Map<string, (x: number) => number>(
  Object.entries({
    sin: Math.sin,
    cos: Math.cos,
    tan: Math.tan,
    arcsin: Math.asin,
    arccos: Math.acos,
    arctan: Math.atan,
    sinh: Math.sinh,
    cosh: Math.cosh,
    tanh: Math.tanh,
    cbrt: Math.cbrt,
    floor: Math.floor,
    ceil: Math.ceil,
    cot: (x) => 1 / Math.tan(x),
    sec: (x) => 1 / Math.cos(x),
    csc: (x) => 1 / Math.sin(x),
    sgn: Math.sign,
    factorial: (x) => factorial(x),
    doublefactorial: (x) => doubleFactorial(x),
    lg: (x) => Math.log10(x),
  }),
);

/** A named function at its arguments; a name or a point it does not know gives NaN. */
export function apply(name: string, args: readonly Complex[], complex: boolean): Complex {
  const [z = NOT_DEFINED, w = NOT_DEFINED] = args;
  switch (name) {
    case 'abs':
      return real(abs(z));
    case 'exp':
      return exp(z);
    case 'sqrt':
      return power(z, real(0.5), complex);
    case 'ln':
      return (z.im === 0 && z.re > 0) || complex ? ln(z) : NOT_DEFINED;
    case 'root':
      return root(z, w, complex);
    default:
      if (SEVERAL.has(name))
        return real(
          args.every((arg) => arg.im === 0) ? (SEVERAL.get(name)?.(...args.map((arg) => arg.re)) ?? NaN) : NaN,
        );
      return z.im === 0 ? real(REAL.get(name)?.(z.re) ?? NaN) : NOT_DEFINED;
  }
}

/** Of real numbers. */
const SEVERAL = new Map<string, (...args: number[]) => number>(
  Object.entries({
    max: Math.max,
    min: Math.min,
    mod: (x = NaN, m = NaN) => (m > 0 ? x - m * Math.floor(x / m) : NaN),
    gcd: (...args: number[]) => args.reduce(divisor),
    lcm: (...args: number[]) => args.reduce((x, y) => Math.abs(x * y) / divisor(x, y)),
    binomial: (n = NaN, k = NaN) => binomial(n, k),
    permutations: (n = NaN, k = NaN) => binomial(n, k) * factorial(k),
  }),
);

/** The greatest common divisor of two whole numbers. */
function divisor(a: number, b: number): number {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return NaN;
  return b === 0 ? Math.abs(a) : divisor(b, a % b);
}

function doubleFactorial(n: number): number {
  return Number.isInteger(n) && n >= 0 && n <= 170 ? (n < 2 ? 1 : n * doubleFactorial(n - 2)) : NaN;
}

/** An odd root of a negative number is the negative one, as in school. */
function root(z: Complex, index: Complex, complex: boolean): Complex {
  const odd = index.im === 0 && Math.abs(index.re % 2) === 1;
  if (odd && z.im === 0 && z.re < 0) return real(-((-z.re) ** (1 / index.re)));
  return power(z, divide(real(1), index), complex);
}

function factorial(n: number): number {
  if (n < 0 || n > 170) return NaN;
  if (!Number.isInteger(n)) return gamma(n + 1);
  let product = 1;
  for (let i = 2; i <= n; i++) product *= i;
  return product;
}

/** Lanczos' approximation (g = 7, n = 9), accurate to 1e-13 for positive arguments. */
function gamma(x: number): number {
  const z = x - 1;
  const sum = LANCZOS.reduce((total, coefficient, i) => total + (i === 0 ? coefficient : coefficient / (z + i)), 0);
  const t = z + 7.5;
  return Math.sqrt(2 * Math.PI) * t ** (z + 0.5) * Math.exp(-t) * sum;
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** n may be any real number, as in `\binom{n}{2} = n(n-1)/2`. */
function binomial(n: number, k: number): number {
  if (!Number.isInteger(k) || k < 0) return NaN;
  const terms = Number.isInteger(n) && n >= 0 ? Math.min(k, n - k) : k;
  if (terms < 0) return 0;
  if (terms > 1000) return NaN;
  let product = 1;
  for (let i = 1; i <= terms; i++) product = (product * (n - terms + i)) / i;
  return product;
}
