/** A cursor over the text of an expression, with a bound on the nodes made from it. */

const MAX_NODES = 800;

export class NotAnExpression extends Error {}

export class Scanner {
  protected readonly text: string;
  protected at = 0;
  private nodes = 0;

  constructor(text: string) {
    this.text = text;
  }

  protected spaces(): void {
    while (this.text[this.at] === ' ') this.at++;
  }

  take(pattern: RegExp, spaces = true): string | undefined {
    if (spaces) this.spaces();
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  expect(token: string): void {
    this.spaces();
    if (!this.text.startsWith(token, this.at)) throw new NotAnExpression();
    this.at += token.length;
  }

  /** Counts nodes. */
  protected node<T>(value: T): T {
    if (++this.nodes > MAX_NODES) throw new NotAnExpression();
    return value;
  }
}
