/**
 * Writes docs/plugin-reference.md from the declarations of the plug-in API: `npx tsx docs/make-plugin-reference.ts`. A
 * test fails when the page is out of date. It reads the sources as text: a declaration begins with `export` at the
 * start of a line, and its end is found by counting brackets.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { PORT_NAMES, PORT_TABLE } from '../src/plugin/port-table.ts';

const PAGE = new URL('./plugin-reference.md', import.meta.url);

const HEAD = `# Plug-in reference

Made from the sources by \`npx tsx docs/make-plugin-reference.ts\`. How to write a plug-in is in [plugins.md](plugins.md).
`;

/** In the order of the page. */
const PARTS = [
  { title: 'Defining a plug-in', module: 'quorum', file: 'src/plugin/define.ts' },
  { title: 'Ports', module: 'quorum', file: 'src/protocol/ports.ts', table: true },
  { title: 'Messages', module: 'quorum', file: 'src/protocol/messages.ts' },
  { title: 'Errors', module: 'quorum', file: 'src/protocol/errors.ts' },
  { title: 'Plug-ins made of others', module: 'quorum', file: 'src/plugin/open-port.ts' },
  { title: 'Files', module: 'quorum', file: 'src/lib/make-folder.ts' },
  { title: 'XState machines', module: 'quorum/xstate', file: 'actors/from-machine.ts' },
  { title: 'RxJS operators', module: 'quorum/rxjs', file: 'streams/from-operator.ts' },
  { title: 'Testing', module: 'quorum/testing', file: 'src/testing/kit.ts' },
  { title: 'Recorded messages', module: 'quorum/testing', file: 'src/testing/recorded.ts' },
] as const;

/** Exported for other files of Quorum. */
const INTERNAL = new Set(['checkOptions', 'portOf', 'toErrorData', 'fromErrorData', 'ErrorData']);

export interface Declaration {
  readonly name: string;
  /** Comment and code, without bodies of functions. */
  readonly text: string;
}

/** The page, as Markdown. */
export function pluginReferencePage(): string {
  const sections = PARTS.map((part) => {
    const { title, module, file } = part;
    const declarations = declarationsOf(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
    const blocks = declarations
      .filter(({ name }) => !INTERNAL.has(name))
      .map(({ name, text }) => `### ${name}\n\n\`\`\`ts\n${text}\n\`\`\`\n`);
    return `## ${title}\n\nFrom \`'${module}'\`; source: \`${file}\`.\n\n${'table' in part ? portTable() : ''}${blocks.join('\n')}`;
  });
  return [HEAD, ...sections].join('\n');
}

/** From src/plugin/port-table.ts. */
function portTable(): string {
  const rows = PORT_NAMES.map((port) => {
    const { does, holders, role, builtIn } = PORT_TABLE[port];
    return `| \`${port}\` | ${does} | ${holders} | \`${role}\` | ${builtIn ? 'yes' : 'no'} |`;
  });
  const head = [
    '| Port | A plug-in with it | Plug-ins that may hold it | Role of its actor | Built-in actor |',
    '| --- | --- | --- | --- | --- |',
  ];
  return `${[...head, ...rows].join('\n')}\n\n`;
}

const DECLARATION =
  /^((?:\/\*\*(?:(?!\*\/)[\s\S])*?\*\/\n)?)export ((?:async )?function|interface|type|class|const) (\w+)/gm;

export function declarationsOf(source: string): readonly Declaration[] {
  return [...source.matchAll(DECLARATION)].map((match) => {
    const [, comment = '', kind = '', name = ''] = match;
    const from = match.index + comment.length;
    const code = source.slice(from);
    const body = kind.endsWith('function') || kind === 'class' ? signature(code, kind) : whole(code, kind);
    return { name, text: `${comment}${body}`.trimEnd() };
  });
}

/** Up to the brace that opens the body, which a formatter leaves at the end of its line. */
function signature(code: string, kind: string): string {
  if (kind === 'class') return `${code.slice(0, code.search(/ \{/))} {}`;
  return `${code.slice(
    0,
    outside(code, (i) => code.startsWith(' {\n', i)),
  )};`;
}

/** Up to the brace or semicolon that ends it. */
function whole(code: string, kind: string): string {
  if (kind === 'interface') return code.slice(0, endOfBraces(code));
  return code.slice(0, outside(code, (i) => code[i] === ';') + 1);
}

function endOfBraces(code: string): number {
  const open = code.indexOf('{');
  return open + 1 + outside(code.slice(open + 1), (i) => code[open + 1 + i] === '}') + 1;
}

/** First index outside any bracket at which `found` holds. */
function outside(code: string, found: (i: number) => boolean): number {
  let depth = 0;
  for (let i = 0; i < code.length; i++) {
    if (depth === 0 && found(i)) return i;
    if ('({['.includes(code[i]!)) depth++;
    if (')}]'.includes(code[i]!)) depth--;
  }
  return code.length;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(PAGE, pluginReferencePage());
