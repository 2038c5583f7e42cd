/**
 * Tokens -> formulas: the longest stretches that can each be one expression, with the relations and breaks between them.
 * `11 11+1` is two formulas, `so 3 cm × 4 cm` is a name and an expression, and `(2, 3)` is not a formula.
 */
import { AFTER, BEFORE, isUnit, roleOf } from './names.ts';
import { emptyDraft, extend, formulaOf, type Formula } from './formula.ts';
import type { Token } from './tokens.ts';

export type Element = Formula | { readonly kind: 'relation' | 'break' | 'line'; readonly text: string };

export function formulasOf(tokens: readonly Token[], text: string): Element[] {
  return new Reader(tokens, text).read();
}

class Reader {
  private readonly elements: Element[] = [];
  private readonly paired: ReadonlySet<number>;
  private at = 0;
  private draft = emptyDraft();
  /** The word just before. */
  private word = '';
  private readonly tokens: readonly Token[];
  private readonly text: string;

  constructor(tokens: readonly Token[], text: string) {
    this.tokens = tokens;
    this.text = text;
    this.paired = pairs(tokens);
  }

  read(): Element[] {
    for (; this.at < this.tokens.length; this.at++) this.take(this.tokens[this.at]!);
    this.finish();
    return this.elements;
  }

  private take(token: Token): void {
    switch (token.kind) {
      case 'number':
        return this.number(token);
      case 'operator':
        return this.operator(token);
      case 'open':
        return this.open(token);
      case 'close':
        return this.close(token);
      case 'function':
        this.draft.calculates = true;
        return this.add(token, true);
      case 'mark':
        return this.mark(token);
      case 'name':
        return this.name(token);
      case 'odd':
        this.draft.readable = false;
        return this.add(token, false);
      case 'box':
        return this.draft.expects ? undefined : this.end('break', '');
      case 'relation':
      case 'break':
      case 'line':
        return this.end(token.kind, token.text);
      case 'gap':
        return undefined;
      default:
        return token.kind satisfies never;
    }
  }

  private end(kind: 'relation' | 'break' | 'line', text: string): void {
    this.finish();
    if (kind !== 'line' || this.elements.at(-1)?.kind !== 'line') this.elements.push({ kind, text });
    this.word = '';
  }

  private get next(): Token | undefined {
    return this.tokens[this.at + 1];
  }

  private number(token: Token): void {
    const { draft } = this;
    if (!draft.expects && token.text !== '\\pi') {
      if (draft.brackets.length > 0 || !token.gap) draft.readable = false;
      else this.split(token);
    }
    if (token.text !== '\\pi' && !this.draft.raises && !this.draft.brackets.some(({ raised }) => raised)) {
      const { last } = this.draft;
      this.draft.operands.push({ number: token.text, sign: last === '+' || last === '-' ? last : '' });
    }
    this.add(token, false);
  }

  /** A number after a number begins another formula; `1 hour 30 minutes` and `1 1/2` may be one. */
  private split(token: Token): void {
    const below = this.tokens[this.at + 2];
    const fraction = this.next?.text === '/' && below?.kind === 'number' && /^\d+$/.test(this.draft.spelt + token.text);
    const doubtful = fraction || this.draft.units.length > 0;
    this.draft.doubtful ||= doubtful;
    this.finish();
    this.draft.doubtful ||= doubtful;
  }

  private operator(token: Token): void {
    if (this.draft.unit && this.unitGoesOn(token)) return;
    if (this.isSign(token)) this.finish();
    const { draft, next } = this;
    if (draft.spelt === '') {
      if (!/[+-]/.test(token.text)) return this.end('break', '');
      // A bullet, or a sign.
      if (next?.gap === true && this.elements.at(-1)?.kind !== 'relation') return void (draft.doubtful = true);
    } else if (draft.expects && !/[+-]/.test(token.text) && !draft.last.startsWith('\\')) draft.readable = false;
    // `3–5` is a range more often than a difference.
    if (this.text[token.start] === '–' && !token.gap && next?.gap === false) draft.doubtful = true;
    draft.calculates ||= !draft.expects;
    this.add(token, true);
  }

  /** `=-1 -1+9=8`: after a result, a sign that stands with the number after it begins another expression. */
  private isSign({ text, gap }: Token): boolean {
    const { expects, brackets } = this.draft;
    const isResult = !expects && brackets.length === 0 && this.elements.at(-1)?.kind === 'relation';
    return isResult && gap && this.next?.gap === false && /[+-]/.test(text);
  }

  /** `km/h`, `cm^2`, `cm^{2}` */
  private unitGoesOn({ text }: Token): boolean {
    const { next } = this;
    if (text === '/' && next?.kind === 'name' && isUnit(next.text)) return this.skip(1);
    if (text !== '^' || next === undefined) return false;
    return next.kind === 'number' ? this.skip(1) : next.text === '{' && this.skip(3);
  }

  /** What follows belongs to the unit. */
  private skip(count: number): true {
    this.at += count;
    this.draft.end = this.tokens[this.at]?.end ?? this.draft.end;
    return true;
  }

  private open(token: Token): void {
    const { draft } = this;
    if (!this.paired.has(this.at)) return this.end('break', '');
    if (!draft.expects && draft.spelt !== '') {
      if (token.gap && (token.text !== '(' || draft.named)) this.finish();
      else if (token.gap) draft.doubtful = true;
      if (this.draft.spelt !== '' && token.text === '(') this.draft.calculates = true;
    }
    const index = token.text === '[' && this.draft.last.startsWith('\\sqrt');
    this.draft.brackets.push({ raised: this.draft.raises || index, index });
    this.add(token, true);
  }

  private close(token: Token): void {
    const bracket = this.paired.has(this.at) ? this.draft.brackets.pop() : undefined;
    if (!bracket) return this.end('break', '');
    if (this.draft.expects) this.draft.readable = false;
    this.add(token, bracket.index);
  }

  private mark(token: Token): void {
    const { draft } = this;
    if (draft.unit && token.text.startsWith('^')) return void (draft.end = token.end);
    if (draft.spelt === '') return this.end('break', '');
    if (draft.expects && !draft.last.startsWith('\\')) draft.readable = false;
    draft.calculates ||= /[\^!]/.test(token.text);
    this.add(token, draft.expects);
  }

  private name(token: Token): void {
    const { draft } = this;
    const role = draft.expects ? 'variable' : roleOf(token, this.next, draft);
    if (role === 'variable') return this.variable(token);
    if (role === 'times') return this.times(token);
    if (role !== 'word') {
      draft.doubtful ||= token.text.length === 1;
      draft.units.push(token.text.replace(/\d+$/, ''));
      draft.unit = true;
      draft.end = token.end;
      if (role === 'unit of two words') this.skip(1);
      return;
    }
    if (AFTER.has(token.text)) draft.doubtful = true;
    if (draft.brackets.length === 0) this.finish();
    this.variable(token);
  }

  private variable(token: Token): void {
    this.draft.readable = false;
    this.draft.named = true;
    this.add(token, false);
    this.word = token.text;
  }

  /** `3 x 4`, `3x4`, `20% of 50` */
  private times(token: Token): void {
    this.draft.doubtful ||= !token.gap;
    this.draft.calculates = true;
    this.add({ ...token, text: '*' }, true);
    const digits = /\d+$/.exec(token.text)?.[0];
    if (digits !== undefined) this.number({ ...token, kind: 'number', text: digits });
  }

  private add(token: Token, expects: boolean): void {
    if (this.draft.spelt === '') this.draft.doubtful ||= BEFORE.has(this.word);
    extend(this.draft, token, expects);
  }

  private finish(): void {
    const relation = this.elements.at(-1);
    const formula = formulaOf(this.draft, relation?.kind === 'relation' && relation.text === '≈' ? '≈' : '=');
    if (formula) {
      this.elements.push(formula);
      if (!this.draft.named) this.word = '';
    }
    this.draft = emptyDraft();
  }
}

/** Brackets that are closed before the next relation or break. */
function pairs(tokens: readonly Token[]): Set<number> {
  const paired = new Set<number>();
  let open: number[] = [];
  tokens.forEach(({ kind }, i) => {
    if (kind === 'open') open.push(i);
    else if (kind === 'relation' || kind === 'break' || kind === 'line') open = [];
    else if (kind === 'close') {
      const partner = open.pop();
      if (partner !== undefined) paired.add(partner).add(i);
    }
  });
  return paired;
}
