/**
 * LaTeX or plain text -> Expression. A recursive descent over the characters, because TeX arguments are characters (`\frac12`).
 * Bounded in depth and size, so that no input can hang or overflow the stack.
 */
import { call, integer, isMinusOne, operation, type Expression, type Operator } from './expression.ts';
import { ALIASES, CONSTANTS, FUNCTIONS, GREEK_NAMES, INVERSE, PLAIN_NAMES, TRIGONOMETRIC } from './names.ts';
import { NumeralScanner } from './numeral.ts';
import { NotAnExpression } from './scanner.ts';

const MAX_DEPTH = 60;

/** The tree, or null when the text is not an expression this reads. */
export function parseExpression(text: string): Expression | null {
  try {
    return new Parser(text).parse();
  } catch (error) {
    if (error instanceof NotAnExpression) return null;
    throw error;
  }
}

class Parser extends NumeralScanner {
  private depth = 0;
  private bars = 0;
  /** Inside a trigonometric argument a degree is pi/180; elsewhere it is a unit, and units are dropped. */
  private trigonometric = false;

  parse(): Expression {
    const tree = this.sum();
    this.spaces();
    if (this.at < this.text.length) throw new NotAnExpression();
    return tree;
  }

  private sum(): Expression {
    if (++this.depth > MAX_DEPTH) throw new NotAnExpression();
    let left = this.product();
    for (;;) {
      const operator = this.take(/[+-]/y);
      if (operator === undefined) break;
      left = this.node(operation(operator as Operator, left, this.product()));
    }
    this.depth--;
    return left;
  }

  private product(): Expression {
    let left = this.signed();
    for (;;) {
      if (this.take(/\*(?!\*)|\\cdot(?![a-z])|\\times(?![a-z])|\\ast(?![a-z])/y) !== undefined) left = this.node(operation('*', left, this.signed()));
      else if (this.take(/\/|\\div(?![a-z])/y) !== undefined) left = this.node(operation('/', left, this.signed()));
      else if (this.startsFactor()) left = this.node(operation('*', left, this.power()));
      else return left;
    }
  }

  private signed(): Expression {
    let negative = false;
    for (let sign = this.take(/[+-]/y); sign !== undefined; sign = this.take(/[+-]/y)) negative = negative !== (sign === '-');
    const operand = this.power();
    return negative ? this.node(operation('-', integer(0n), operand)) : operand;
  }

  private power(): Expression {
    const base = this.postfix();
    if (this.take(/\^|\*\*/y) === undefined) return base;
    return this.node(operation('^', base, this.exponent()));
  }

  /** `^2`, `^{n+1}`, `^-1`, `^\frac12`; plain text's `2^10` is 2 to the 10, not TeX's (2^1)0. */
  private exponent(): Expression {
    if (++this.depth > MAX_DEPTH) throw new NotAnExpression();
    const sign = this.take(/[+-]/y);
    const base = this.postfix();
    const value = this.take(/\^|\*\*/y) === undefined ? base : this.node(operation('^', base, this.exponent()));
    this.depth--;
    return sign === '-' ? this.node(operation('-', integer(0n), value)) : value;
  }

  private postfix(): Expression {
    let value = this.atom();
    for (;;) {
      const mark = this.take(/!|\\?%|°/y);
      if (mark === undefined) return value;
      if (mark === '!') value = this.node(call('factorial', value));
      else if (mark !== '°') value = this.node(operation('/', value, integer(100n)));
      else if (this.trigonometric) {
        value = this.node(operation('/', this.node(operation('*', value, { type: 'constant', name: 'pi' })), integer(180n)));
      }
    }
  }

  private startsFactor(): boolean {
    this.spaces();
    const next = this.text[this.at] ?? '';
    if (next === '|') return this.bars === 0;
    if (/[0-9.]/.test(next)) {
      // `2^6 3^5` is a product, `12 34` is nothing.
      const before = this.text.slice(Math.max(0, this.at - 8), this.at);
      return !/[0-9.]\s*$/.test(before) || /\^\d{1,3} $/.test(before);
    }
    return (
      /[A-Za-z({[]/.test(next) ||
      (next === '\\' && !/\\(?:cdot|times|ast|div|rvert|rfloor|rceil|%|\}|rangle)(?![a-z])/y.test(this.text.slice(this.at, this.at + 10)))
    );
  }

  private atom(): Expression {
    this.node(null);
    this.spaces();
    const next = this.text[this.at] ?? '';
    if (/[0-9.]/.test(next)) return this.number();
    if (next === '(') return this.between('(', ')');
    if (next === '{') return this.between('{', '}');
    if (next === '[') return this.between('[', ']');
    if (next === '|') return this.absolute();
    if (next === '\\') return this.command();
    if (/[A-Za-z]/.test(next)) return this.name();
    throw new NotAnExpression();
  }

  private between(open: string, close: string): Expression {
    this.expect(open);
    const bars = this.bars;
    this.bars = 0;
    const inner = this.sum();
    this.bars = bars;
    this.expect(close);
    return inner;
  }

  private absolute(): Expression {
    this.expect('|');
    this.bars++;
    const inner = this.sum();
    this.expect('|');
    this.bars--;
    return call('abs', inner);
  }

  private name(): Expression {
    const rest = this.text.slice(this.at, this.at + 12);
    const known = PLAIN_NAMES.find((name) => rest.startsWith(name));
    if (known !== undefined) {
      this.at += known.length;
      return this.named(known);
    }
    const letter = this.take(/[A-Za-z]/y) ?? '';
    return this.variable(letter);
  }

  private variable(name: string): Expression {
    const subscript = this.take(/_(?:\{[^{}]*\}|[A-Za-z0-9])/y)?.replace(/[\s{}_]/g, '') ?? '';
    const primes = this.take(/'+/y) ?? '';
    if (subscript === '' && primes === '' && (name === 'e' || name === 'i')) return { type: 'constant', name };
    return { type: 'variable', name: name + (subscript && `_${subscript}`) + primes };
  }

  private command(): Expression {
    const name = this.take(/\\[A-Za-z]+/y)?.slice(1);
    switch (name) {
      case 'frac':
        return this.node(operation('/', this.argument(), this.argument()));
      case 'binom':
      case 'dbinom':
      case 'tbinom':
        return call('binomial', this.argument(), this.argument());
      case 'sqrt':
        return this.root();
      case 'lvert':
        return this.fenced('abs', 'rvert');
      case 'lfloor':
        return this.fenced('floor', 'rfloor');
      case 'lceil':
        return this.fenced('ceil', 'rceil');
      case undefined:
        throw new NotAnExpression();
      default:
        return this.named(name);
    }
  }

  private fenced(name: string, close: string): Expression {
    const inner = this.sum();
    this.expect(`\\${close}`);
    return call(name, inner);
  }

  private named(name: string): Expression {
    const constant = CONSTANTS.get(name);
    if (constant !== undefined) return { type: 'constant', name: constant };
    if (name === 'sqrt') return this.root();
    if (FUNCTIONS.includes(name)) return this.functionCall(name);
    if (GREEK_NAMES.has(name)) return this.variable(name);
    throw new NotAnExpression();
  }

  private root(): Expression {
    this.spaces();
    const index = this.text[this.at] === '[' ? this.between('[', ']') : undefined;
    const radicand = this.argument();
    return index === undefined ? call('sqrt', radicand) : call('root', radicand, index);
  }

  private functionCall(name: string): Expression {
    const base = this.take(/_/y) === undefined ? undefined : this.argument();
    const exponent = this.take(/\^/y) === undefined ? undefined : this.exponent();
    const outer = this.trigonometric;
    this.trigonometric = TRIGONOMETRIC.has(name);
    const argument = this.functionArgument();
    this.trigonometric = outer;
    const inverse = exponent !== undefined && isMinusOne(exponent) ? INVERSE.get(name) : undefined;
    if (inverse !== undefined) return call(inverse, argument);
    const value = base === undefined ? call(ALIASES.get(name) ?? name, argument) : operation('/', call('ln', argument), call('ln', base));
    return exponent === undefined ? value : this.node(operation('^', value, exponent));
  }

  /** `\sin(x)`, `\sin{x}`, and without brackets the numbers and letters that follow: `\sin 2x`. */
  private functionArgument(): Expression {
    this.spaces();
    if (/[({]/.test(this.text[this.at] ?? '')) return this.postfix();
    let value = this.power();
    while (/\s*(?:[A-Za-z]|\\(?:pi|theta|alpha|beta)(?![a-z]))/y.test(this.text.slice(this.at, this.at + 12)) && !this.startsFunction()) {
      value = this.node(operation('*', value, this.power()));
    }
    return value;
  }

  private startsFunction(): boolean {
    const rest = this.text.slice(this.at, this.at + 12).trimStart();
    return FUNCTIONS.some((name) => rest.startsWith(name));
  }

  /** A TeX argument: a group, a command, or one character. */
  private argument(): Expression {
    const digit = this.take(/\d/y);
    if (digit !== undefined) return integer(BigInt(digit));
    if (++this.depth > MAX_DEPTH) throw new NotAnExpression();
    const value = this.atom();
    this.depth--;
    return value;
  }
}
