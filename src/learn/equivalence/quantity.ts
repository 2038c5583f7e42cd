/** Numbers and expressions, with a unit, a currency or a percent sign. */
import { readBased } from './base.ts';
import { exact } from './evaluate.ts';
import { integer, numberOf, operation, variables, type Expression } from './expression.ts';
import { parseExpression } from './parser.ts';
import { toNumber } from './rational.ts';
import { parseUnit, type Unit } from './units.ts';
import type { Quantity, Value } from './value.ts';

/** The fast path for plain numbers. Thousands separated by commas or spaces. */
export function readNumber(text: string): Value | null {
  const based = readBased(text);
  if (based) return based;
  if (!/^[+-]?\s*[\d.]/.test(text)) return null;
  // A comma after a lone 0 is a decimal comma.
  if (/^[+-]?0,\d+$/.test(text)) return readNumber(text.replace(',', '.'));
  const bare = /^[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?$/.test(text) ? text.replaceAll(' ', '') : text;
  if (!/^[+-]?\s*(?:\d[\d,]*\.?\d*|\.\d+)$/.test(bare)) return null;
  const expression = parseExpression(bare);
  return expression && quantity(expression);
}

const quantity = (expression: Expression, unit: Unit | null = null, percent = false): Quantity => ({
  type: 'quantity',
  expression,
  unit,
  percent,
});

/** An expression with an optional unit after it, or money before it. */
export function readQuantity(text: string): Value | null {
  const money = /^([+-]?)\s*(\p{Sc}|(?:[A-Z]{1,2}\$|USD|EUR|GBP|INR|CAD|AUD|JPY|CNY|RMB|Rs\.?)(?=\s*\d))\s*(.+)$/u.exec(
    text,
  );
  if (money) {
    const [, sign = '', currency = '', amount = ''] = money;
    const value = readQuantity(sign + amount.replace(/\s+(?:per|an?|each|every)(?:\s.*)?$|\s*\/\s*[a-z]{2,}$/, ''));
    return value?.type === 'quantity' ? { ...value, unit: parseUnit(currency.replace('US$', '$')) } : null;
  }
  const [, residue, modulus] =
    /^(.+?)\s*(?:\\[pb]?mod|\(?\s*(?:\\?mod))\s*\{?\s*(\d{1,9})\s*\}?\s*\)?$/.exec(text) ?? [];
  if (residue !== undefined) {
    const expression = reduced(parseExpression(residue), BigInt(modulus ?? 0));
    return (
      expression && quantity(expression, { factor: { n: 1n, d: 1n }, dimension: `modulo ${modulus}`, radians: false })
    );
  }
  const percent = /^(.*?)\s*(?:%|\b(?:percent|per cent|percentage|pct)\b)((?:\s+[a-z]{2,}){0,3})$/i.exec(text);
  if (percent) {
    const expression = parseExpression(grouped(percent[1] ?? ''));
    return expression && quantity(expression, parseUnit(percent[2] ?? ''), true);
  }
  return readCompound(primed(text)) ?? withUnit(primed(text)) ?? plainExpression(text);
}

/** `7 mod 3` is 1. */
function reduced(e: Expression | null, modulus: bigint): Expression | null {
  const value = e && exact(e);
  return value?.d === 1n && modulus > 0n ? integer(((value.n % modulus) + modulus) % modulus) : e;
}

function plainExpression(text: string): Value | null {
  const expression = parseExpression(grouped(text));
  return expression && quantity(expression);
}

/** `6'2"` is feet and inches; after degrees they are minutes and seconds of arc. */
function primed(text: string): string {
  const [minute, second] = text.includes('°') ? ['arcmin', 'arcsec'] : ['ft', 'in'];
  return text
    .replace(/(?<=\d)\s*(?:''|")/g, ` ${second} `)
    .replace(/(?<=\d)\s*'/g, ` ${minute} `)
    .trim();
}

/** `12 345` -> `12345`, `1.2e3` is read by the parser, `3 x 4` by `x` between numbers is a product. */
const grouped = (text: string): string =>
  text
    .replace(/(?<![\d.])\d{1,3}(?: \d{3})+(?![\d])/g, (run) => run.replaceAll(' ', ''))
    .replace(/(?<=\d)\s*[xX]\s*(?=\d)/g, '*');

const UNIT_START =
  /(?<=[\d)}\]!π\s°]|[\\](?:pi))\s*(?=[A-Za-z°\p{Sc}\p{Script=Han}]|\\(?:mu|Omega|frac\{\s*[A-Za-z]))/gu;

/** The longest value that leaves a unit: `5 km/h` is 5 with `km/h`, not `5 km` over h. */
function withUnit(typed: string): Quantity | null {
  const text = typed.replace(/(?<=[\d})°])\s*\(\s*([A-Za-z°]{2,12}(?:\^\{?\d\}?)?)\s*\)$/, ' $1');
  for (const match of text.matchAll(UNIT_START)) {
    const end = match.index + match[0].length;
    const head = text.slice(0, match.index).trim();
    const tail = text.slice(end);
    if (head === '' || /[\\^_{(+\-*/]$/.test(head) || /^(?:pi|sqrt|sin|cos|tan|log|ln|e\b)/.test(tail)) continue;
    const unit = parseUnit(tail);
    if (
      !unit ||
      (unit.dimension === 'angle' && TRIGONOMETRIC.test(head)) ||
      (unit.dimension.startsWith('~') && !isWords(tail))
    )
      continue;
    const expression = parseExpression(grouped(head));
    // `\pi r^2 h`: a letter after letters is another factor.
    if (expression && !(/^[A-Za-z]$/.test(tail) && variables(expression).length > 0)) {
      const product = /^[A-Za-z]\b/.test(tail) ? parseExpression(grouped(text)) : null;
      return { ...quantity(expression, unit), ...(product && { product }) };
    }
  }
  return null;
}

/** The degrees in `\sin 30°` belong to the angle, not to the value. */
const TRIGONOMETRIC = /sin|cos|tan|cot|sec|csc/;

/** An unknown unit must look like a word: `12 apples`, not `12xy`. */
const isWords = (tail: string): boolean =>
  /^(?:[A-Za-z]{3,}(?:\s+[A-Za-z]{2,})*\.?|\p{Script=Han}+)$/u.test(tail.trim());

/** `5 ft 3 in`, `1 hour 30 minutes`: parts of one dimension add up. */
export function readCompound(text: string): Quantity | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([A-Za-z]+|°)\.?\s*(?:,|and)?\s*/gy)];
  if (parts.length < 2 || parts.length > 4 || parts.map((part) => part[0]).join('').length !== text.length) return null;
  const isTime = parseUnit(parts[0]?.[2] ?? '')?.dimension === 'time';
  // After hours `m` is minutes.
  const quantities = parts.map(([, amount = '', unit = '']) => ({
    expression: parseExpression(amount),
    unit: parseUnit(isTime && unit === 'm' ? 'min' : unit),
  }));
  const dimension = quantities[0]?.unit?.dimension;
  if (!dimension || dimension.startsWith('~') || quantities.some(({ unit }) => unit?.dimension !== dimension))
    return null;
  // `5 cm and 3 cm` are two lengths.
  const sizes = quantities.map(({ unit }) => (unit ? toNumber(unit.factor) : 0));
  if (sizes.some((size, i) => i > 0 && size >= (sizes[i - 1] ?? 0))) return null;
  const base = quantities.reduce<Expression>(
    (sum, { expression, unit }) =>
      expression && unit ? operation('+', sum, operation('*', expression, numberOf(unit.factor))) : sum,
    numberOf({ n: 0n, d: 1n }),
  );
  return quantity(base, { factor: { n: 1n, d: 1n }, dimension, radians: false });
}
