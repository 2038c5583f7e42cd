/** Reads numerals: `1,234.5`, `2.5e-3`, `0.1\overline{6}`, `3\frac{1}{2}`. */
import { numberOf, type Expression } from './expression.ts';
import { add, parseDecimal, rational, type Rational } from './rational.ts';
import { NotAnExpression, Scanner } from './scanner.ts';

export class NumeralScanner extends Scanner {
  /** Between the arguments of a function a comma parts them. */
  protected listed = false;

  protected number(): Expression {
    const thousands = this.listed ? undefined : this.take(/\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?/y);
    const literal = thousands ?? this.take(/(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6}(?![A-Za-z\d]))?/y) ?? '';
    const value = parseDecimal(literal.replaceAll(',', ''));
    if (value === null) throw new NotAnExpression();
    const repeating = this.take(/\\overline\{\d{1,20}\}|\\dot\{?\d\}?/y, false)?.replace(/\D/g, '');
    if (repeating !== undefined) return numberOf(repeated(literal, value, repeating));
    const places = /\.(\d*)/.exec(literal)?.[1]?.length ?? 0;
    return /^\d+$/.test(literal) ? (this.mixed(value) ?? numberOf(value)) : numberOf(value, places);
  }

  /** `3\frac{1}{2}` and `3 1/2` are sums, not products. */
  private mixed(whole: Rational): Expression | undefined {
    const text = this.take(/\\frac\s*(?:\{\s*\d+\s*\}|\d)\s*(?:\{\s*\d+\s*\}|\d)|(?<=\s)\d+\s*\/\s*\d+(?!\s*[\d.^])/y);
    if (text === undefined) return undefined;
    const digits = /^\\frac\s*(\d)(\d)$/.exec(text)?.slice(1) ?? text.match(/\d+/g) ?? [];
    const part = rational(BigInt(digits[0] ?? 0), BigInt(digits[1] ?? 0));
    const value = part && add(whole, part);
    if (!value) throw new NotAnExpression();
    return numberOf(value);
  }
}

/** `0.1` followed by a repeating `6` is 0.1666... = 0.1 + 6 / (9 * 10). */
function repeated(literal: string, head: Rational, digits: string): Rational {
  const places = /\.(\d*)/.exec(literal)?.[1]?.length ?? 0;
  const tail = rational(BigInt(digits), (10n ** BigInt(digits.length) - 1n) * 10n ** BigInt(places));
  const value = tail && add(head, tail);
  if (value === null) throw new NotAnExpression();
  return value;
}
