/** Parses a list in the text form of JSON, Python or NumPy: `["a", "b"]`, `['a', "b's"]`, `['a' 'b']`. */

const ITEM = /\s*(?:'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"|([^,'"[\]\s][^,'"[\]]*))\s*(?:,|$|(?=['"]))/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** Undefined when the text is not such a list. */
export function parseList(text: string): readonly unknown[] | undefined {
  const inner = /^\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    return parsePython(inner);
  }
}

function parsePython(inner: string): readonly string[] | undefined {
  const items: string[] = [];
  ITEM.lastIndex = 0;
  while (ITEM.lastIndex < inner.trimEnd().length) {
    const found = ITEM.exec(inner);
    if (found === null) return undefined;
    const quoted = found[1] ?? found[2];
    items.push(quoted === undefined ? found[3]!.trim() : unescape(quoted));
  }
  return items;
}

function unescape(text: string): string {
  return text.replaceAll(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([\s\S]))/g,
    (_, hex?: string, unicode?: string, char?: string) => {
      const code = hex ?? unicode;
      return code === undefined ? (ESCAPES[char!] ?? char!) : String.fromCharCode(Number.parseInt(code, 16));
    },
  );
}
