/**
 * Draws the rooms in docs/development.md from lint/rooms.js: `npx tsx docs/make-rooms.ts`. A test fails when the
 * drawing is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ROOMS } from '../lint/rooms.js';

const PAGE = new URL('./development.md', import.meta.url);
const BLOCK = /(<!-- rooms: .*? -->\n)[\s\S]*?(\n<!-- end of rooms -->)/;
const COMMON = ['src/protocol', 'src/lib'];

const row = ([path, { holds, imports, packages }]: [string, (typeof ROOMS)[string]]): string => {
  const others = imports.filter((name) => !COMMON.includes(name)).map((name) => `\`${name.replace(/^src\//, '')}\``);
  const libraries = packages.filter((name) => name !== 'node:').map((name) => `\`${name}\``);
  return `| \`${path}\` | ${holds} | ${others.join(', ')} | ${libraries.join(', ')} |`;
};

/** The page with the drawing as the table has it. */
export function developmentPage(): string {
  const rows = Object.entries(ROOMS).map(row);
  const drawing = ['| Room | Holds | Imports | Packages |', '| --- | --- | --- | --- |', ...rows].join('\n');
  return readFileSync(PAGE, 'utf8').replace(BLOCK, (_, before: string, after: string) => `${before}${drawing}${after}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(PAGE, developmentPage());
