import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('../../../dist/dashboards/client/', import.meta.url));
const MOST = 250_000;

const files = existsSync(FOLDER)
  ? readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => /\.[a-z]+$/.test(name))
  : [];

test('all of the built client is under 250 kB gzipped', () => {
  expect(files, 'not built: run `node bin/bootstrap.js --build`').not.toEqual([]);
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(FOLDER, name))).length, 0);
  expect(bytes).toBeLessThan(MOST);
});

test('the page holds no script or style of its own, which its content security policy would stop', () => {
  const page = readFileSync(join(FOLDER, 'index.html'), 'utf8');
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)/);
  expect(page).not.toMatch(/<style|\sstyle=/);
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
});
