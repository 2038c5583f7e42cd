import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const MAKES = /\bmkdir(?:Sync)?\([^;]*\brecursive\b/;

test('no part makes folders by recursive mkdir, which never ends where the file system answers ENOENT', () => {
  const rooms = ['src', 'actors', 'streams', 'dashboards', 'bench', 'bin'];
  const files = rooms.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).map((file) => join(ROOT, room, file)),
  );
  const sources = files.filter((file) => /\.[jt]sx?$/.test(file) && statSync(file).isFile());
  expect(sources.filter((file) => MAKES.test(readFileSync(file, 'utf8')))).toEqual([]);
  expect(MAKES.test('mkdirSync(join(a, b), {\n  recursive: true })')).toBe(true);
});
