/** Reads the terms of an expression: numbers, names, commands, function calls and bracketed parts. */
import { call, integer, isMinusOne, operation, type Expression } from './expression.ts';
import { ALIASES, CONSTANTS, FUNCTIONS, GREEK_NAMES, INVERSE, PLAIN_NAMES, TRIGONOMETRIC } from './names.ts';
import { NumeralScanner } from './numeral.ts';
import { derivative, LIST_NAME, readOperator, type Operands } from './operators.ts';
import { NotAnExpression } from './scanner.ts';

export const MAX_DEPTH = 60;
/** `C(10, 3)` and `P(10, 3)` outside a list of points. */
const COUNTED = /[CP](?=\(\s*\d+\s*,\s*\d+\s*\))/y;

export abstract class TermParser extends NumeralScanner implements Operands {
  protected depth = 0;
  protected bars = 0;
  /** Names bound by a sum or a similar operator. */
  protected bound: readonly string[];
  /** Inside a trigonometric argument a degree is pi/180; elsewhere it is a unit, and units are dropped. */
  protected trigonometric = false;

  constructor(text: string, bound: readonly string[] = []) {
    super(text);
    this.bound = bound;
  }

  abstract sum(): Expression;
  abstract product(): Expression;
  abstract inner(text: string, name?: string): Expression;
  abstract within(name: string, read: () => Expression): Expression;
  protected abstract power(): Expression;
  protected abstract exponent(): Expression;
  protected abstract postfix(): Expression;

  protected atom(): Expression {
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
    const list = this.take(LIST_NAME) ?? this.take(COUNTED);
    if (list !== undefined) return readOperator(list, this) ?? this.named(list);
    const outer = this.take(/[fgh]'*(?=\(\s*[fgh]'*\()/y);
    if (outer !== undefined) return call(`${outer} of`, this.between('(', ')'));
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
    if (subscript === '' && primes === '' && (name === 'e' || name === 'i') && !this.bound.includes(name))
      return { type: 'constant', name };
    return { type: 'variable', name: name + (subscript && `_${subscript}`) + primes };
  }

  private command(): Expression {
    const name = this.take(/\\[A-Za-z]+/y)?.slice(1);
    switch (name) {
      case 'frac': {
        const by = this.take(/\{\s*d\s*\}\s*\{\s*d\s*[a-z]\s*\}/y)?.match(/[a-z](?=\s*\}$)/)?.[0];
        return this.node(
          by === undefined ? operation('/', this.argument(), this.argument()) : derivative(by, this.product()),
        );
      }
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
        return readOperator(name, this) ?? this.named(name);
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
    const value =
      base === undefined
        ? call(ALIASES.get(name) ?? name, argument)
        : operation('/', call('ln', argument), call('ln', base));
    return exponent === undefined ? value : this.node(operation('^', value, exponent));
  }

  /** `\sin(x)`, `\sin{x}`, and without brackets the numbers and letters that follow: `\sin 2x`. */
  private functionArgument(): Expression {
    this.spaces();
    if (/[({]/.test(this.text[this.at] ?? '')) return this.postfix();
    let value = this.power();
    while (
      /\s*(?:[A-Za-z]|\\(?:pi|theta|alpha|beta)(?![a-z]))/y.test(this.text.slice(this.at, this.at + 12)) &&
      !this.startsFunction()
    ) {
      value = this.node(operation('*', value, this.power()));
    }
    return value;
  }

  private startsFunction(): boolean {
    const rest = this.text.slice(this.at, this.at + 12).trimStart();
    return FUNCTIONS.some((name) => rest.startsWith(name));
  }

  /** A TeX argument: a group, a command, or one character. */
  argument(): Expression {
    const digit = this.take(/\d/y);
    if (digit !== undefined) return integer(BigInt(digit));
    if (++this.depth > MAX_DEPTH) throw new NotAnExpression();
    const value = this.atom();
    this.depth--;
    return value;
  }

  list(close: string): readonly Expression[] {
    const outer = this.listed;
    this.listed = true;
    const items = [this.sum()];
    while (this.take(/[,;]/y) !== undefined) items.push(this.sum());
    this.listed = outer;
    this.expect(close);
    return items;
  }
}
