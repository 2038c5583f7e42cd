/**
 * The linter's rule over lint/rooms.js: reports each import that the row of the file's room does not allow, types and
 * `import()` included.
 */
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { ROOMS } from './rooms.js';

const FENCED = ['src', 'actors', 'streams', 'dashboards', 'examples'];
const ORDERED = Object.keys(ROOMS).toSorted((a, b) => b.length - a.length);

/** `file` and `room` are paths from the root; a room that is one file is named without its ending. */
const lies = (file, room) => file === room || file.startsWith(`${room}/`) || file.startsWith(`${room}.`);

const roomOf = (file) => ORDERED.find((room) => lies(file, room));

const packageOf = (specifier) =>
  specifier.startsWith('node:') ? 'node:' : specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** What is wrong with an import, or undefined. @param file path from the root, with forward slashes. */
function wrongWith(specifier, file, room) {
  const { imports, packages } = ROOMS[room];
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier);
    if (packages.includes(name)) return undefined;
    return `${room} may not import the package ${name}; it may import ${packages.join(', ') || 'none'}`;
  }
  const target = join(dirname(file), specifier).split(sep).join('/');
  const other = roomOf(target);
  if (other === room) return undefined;
  if (imports.some((allowed) => allowed === other || (!(allowed in ROOMS) && lies(target, allowed)))) return undefined;
  return `${room} may not import ${other ?? target}; it may import ${imports.join(', ') || 'no other room'}`;
}

function create(context) {
  const path = relative(context.cwd, context.filename);
  const file = path.split(sep).join('/');
  if (isAbsolute(path) || !FENCED.some((folder) => lies(file, folder))) return {};
  const room = roomOf(file);
  if (room === undefined) {
    const Program = (node) => context.report({ node, message: `${file} is in no room: add a row to lint/rooms.js` });
    return { Program };
  }
  const check = ({ source }) => {
    if (typeof source?.value !== 'string') return;
    const wrong = wrongWith(source.value, file, room);
    if (wrong !== undefined) context.report({ node: source, message: `${wrong} (lint/rooms.js)` });
  };
  return {
    ImportDeclaration: check,
    ExportNamedDeclaration: check,
    ExportAllDeclaration: check,
    ImportExpression: check,
    TSImportType: check,
  };
}

export default { meta: { name: 'house' }, rules: { fences: { create } } };
