/**
 * LaTeX or plain text -> Expression. A recursive descent over the characters, because TeX arguments are characters
 * (`\frac12`). Bounded in depth and size, so that no input can hang or overflow the stack.
 */
import { call, integer, operation, type Expression, type Operator } from './expression.ts';
import { NotAnExpression } from './scanner.ts';
import { MAX_DEPTH, TermParser } from './term.ts';

/** Operators inside one another that bind a name: each multiplies the work. */
const MAX_BOUND = 2;

/** The tree, or null when the text is not an expression this reads. */
export function parseExpression(text: string): Expression | null {
  try {
    return new Parser(text).parse();
  } catch (error) {
    if (error instanceof NotAnExpression) return null;
    throw error;
  }
}

class Parser extends TermParser {
  parse(): Expression {
    const tree = this.sum();
    this.spaces();
    if (this.at < this.text.length) throw new NotAnExpression();
    return tree;
  }

  sum(): Expression {
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

  product(): Expression {
    let left = this.signed();
    for (;;) {
      if (this.take(/\*(?!\*)|\\cdot(?![a-z])|\\times(?![a-z])|\\ast(?![a-z])/y) !== undefined)
        left = this.node(operation('*', left, this.signed()));
      else if (this.take(/\/|\\div(?![a-z])/y) !== undefined) left = this.node(operation('/', left, this.signed()));
      else if (this.take(/\\bmod(?![a-z])/y) !== undefined) left = this.node(call('mod', left, this.signed()));
      else if (this.startsFactor()) left = this.node(operation('*', left, this.power()));
      else return left;
    }
  }

  private signed(): Expression {
    let negative = false;
    for (let sign = this.take(/[+-]/y); sign !== undefined; sign = this.take(/[+-]/y))
      negative = negative !== (sign === '-');
    const operand = this.power();
    return negative ? this.node(operation('-', integer(0n), operand)) : operand;
  }

  protected power(): Expression {
    const base = this.postfix();
    if (this.take(/\^|\*\*/y) === undefined) return base;
    return this.node(operation('^', base, this.exponent()));
  }

  /** `^2`, `^{n+1}`, `^-1`, `^\frac12`; plain text's `2^10` is 2 to the 10, not TeX's (2^1)0. */
  protected exponent(): Expression {
    if (++this.depth > MAX_DEPTH) throw new NotAnExpression();
    const sign = this.take(/[+-]/y);
    const base = this.postfix();
    const value = this.take(/\^|\*\*/y) === undefined ? base : this.node(operation('^', base, this.exponent()));
    this.depth--;
    return sign === '-' ? this.node(operation('-', integer(0n), value)) : value;
  }

  protected postfix(): Expression {
    let value = this.atom();
    for (;;) {
      const mark = this.take(/!!?|\\?%|°/y);
      if (mark === undefined) return value;
      if (mark.startsWith('!')) value = this.node(call(mark === '!' ? 'factorial' : 'doublefactorial', value));
      else if (mark !== '°') value = this.node(operation('/', value, integer(100n)));
      else if (this.trigonometric) {
        value = this.node(
          operation('/', this.node(operation('*', value, { type: 'constant', name: 'pi' })), integer(180n)),
        );
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
      (next === '\\' &&
        !/\\(?:cdot|times|ast|div|bmod|rvert|rfloor|rceil|%|\}|rangle)(?![a-z])/y.test(
          this.text.slice(this.at, this.at + 10),
        ))
    );
  }

  inner(text: string, name = ''): Expression {
    if (this.bound.length > MAX_BOUND) throw new NotAnExpression();
    return this.node(new Parser(text, [...this.bound, name]).parse());
  }

  within(name: string, read: () => Expression): Expression {
    const outer = this.bound;
    if (outer.length > MAX_BOUND) throw new NotAnExpression();
    this.bound = [...outer, name];
    const value = this.node(read());
    this.bound = outer;
    return value;
  }
}
