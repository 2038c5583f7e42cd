/**
 * Finds the rows in the bytes of a JSON document, in one pass and with no more memory than a key takes. It checks
 * brackets, not values.
 */

/** Where the rows are: the document is a list of rows, has a member with that list, or its members are the rows. */
export type Rows =
  | { readonly type: 'list' }
  | { readonly type: 'list in'; readonly key: string }
  | { readonly type: 'members' };

export type Found =
  /** `at` is the first byte of a row, counted from the first byte fed; `key` is the name of the row's member. */
  | { readonly type: 'start'; readonly at: number; readonly line: number; readonly key: string | undefined }
  /** `at` is the byte after a row. */
  | { readonly type: 'end'; readonly at: number }
  /** A member of the document is a list that starts with an object. */
  | { readonly type: 'list of objects'; readonly key: string };

const [QUOTE, BACKSLASH, LINE_FEED, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [
  0x22, 0x5c, 0x0a, 0x5b, 0x5d, 0x7b, 0x7d,
] as const;
const LONGEST_KEY = 1_000;

export class JsonScanner {
  depth = 0;
  line = 1;
  private readonly rows: Rows;
  private at = 0;
  private inString = false;
  private escaped = false;
  /** Bytes of the newest string at the top level of the document. */
  private key: number[] = [];
  /** The member of the document that is open. */
  private member: string | undefined;
  private before = 0;

  constructor(rows: Rows) {
    this.rows = rows;
  }

  *feed(chunk: Buffer): Generator<Found> {
    const endOfRun = runs(chunk);
    for (let i = 0; i < chunk.length; i++) {
      if (this.inString && !this.escaped && this.depth !== 1) {
        const end = endOfRun(i);
        this.at += end - i;
        i = end;
        if (i === chunk.length) break;
      }
      const byte = chunk[i]!;
      if (this.inString) this.string(byte);
      else if (byte === QUOTE) {
        this.inString = true;
        if (this.depth === 1) this.key = [];
      } else if (byte === OPEN || byte === OPEN_LIST) yield* this.open(byte);
      else if (byte === CLOSE || byte === CLOSE_LIST) yield* this.close();
      if (byte === LINE_FEED) this.line++;
      if (byte > 0x20 && !this.inString) this.before = byte;
      this.at++;
    }
  }

  private string(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
    if (this.inString && this.depth === 1 && this.key.length < LONGEST_KEY) this.key.push(byte);
  }

  private *open(byte: number): Generator<Found> {
    if (this.depth === 1) this.member = this.rows.type === 'list' ? undefined : Buffer.from(this.key).toString('utf8');
    const isRow = this.depth === this.base && (this.rows.type !== 'members' || byte === OPEN);
    if (isRow)
      yield {
        type: 'start',
        at: this.at,
        line: this.line,
        key: this.rows.type === 'members' ? this.member : undefined,
      };
    if (
      this.rows.type === 'members' &&
      this.depth === 2 &&
      byte === OPEN &&
      this.before === OPEN_LIST &&
      this.member !== undefined
    ) {
      yield { type: 'list of objects', key: this.member };
    }
    this.depth++;
  }

  private *close(): Generator<Found> {
    this.depth--;
    if (this.depth === this.base) yield { type: 'end', at: this.at + 1 };
  }

  /** Nesting depth of the rows; -1 without rows. */
  private get base(): number {
    if (this.rows.type !== 'list in') return 1;
    return this.member === this.rows.key ? 2 : -1;
  }
}

/**
 * Within a string, where the next quote or backslash is, or the end of the chunk: most bytes of a document lie in
 * strings.
 */
function runs(chunk: Buffer): (from: number) => number {
  const next = { [QUOTE]: -1, [BACKSLASH]: -1 };
  const find = (byte: typeof QUOTE | typeof BACKSLASH, from: number): number => {
    if (next[byte] < from) next[byte] = chunk.indexOf(byte, from);
    if (next[byte] === -1) next[byte] = chunk.length;
    return next[byte];
  };
  return (from) => Math.min(find(QUOTE, from), find(BACKSLASH, from));
}
