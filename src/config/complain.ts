/** Turns zod's issues into sentences that name the key, its value and the allowed values. */
import type { z } from 'zod';
import { InputError } from '../protocol/errors.ts';
import { shown } from '../lib/shown.ts';
import { describeConfig, isOf, type ConfigKey } from './describe.ts';

type Issue = z.core.$ZodIssue;

/** Their values are not shown, not even in a complaint about them. */
const SECRET_KEYS: readonly string[] = ['dashboard.viewToken', 'dashboard.controlToken'];

/** One line per issue. `source` names the configuration's origin. */
export function complaint(source: string, input: unknown, issues: readonly Issue[]): InputError {
  const lines = issues.flatMap((issue) => sentences(input, issue)).map((line) => `${source}: ${line}`);
  return new InputError([...new Set(lines)].join('\n'));
}

function sentences(input: unknown, issue: Issue): string[] {
  if (issue.code === 'unrecognized_keys') {
    const parent = issue.path.map(String);
    return issue.keys.map((key) => unknownKey([...parent, key].join('.'), typeOf(input, parent)));
  }
  if (issue.code === 'invalid_union' && hasUse(valueAt(input, issue.path))) {
    return issue.errors
      .at(-1)!
      .flatMap((inner) => sentences(input, { ...inner, path: [...issue.path, ...inner.path] }));
  }
  const path = issue.path.map(String).join('.');
  const is = isWords(path, valueAt(input, issue.path));
  return [
    `${path || 'the configuration'} ${is}; allowed: ${allowed(path, typeOf(input, issue.path.slice(0, -1).map(String)), issue.message)}`,
  ];
}

/** Of a plug-in that is listed as `{use, ...}` the field is named. */
function hasUse(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'use' in value;
}

function isWords(path: string, value: unknown): string {
  if (value === undefined) return 'is missing';
  if (value === '') return 'is empty';
  if (holdsSecret(path) && value !== null)
    return typeof value === 'string' ? `has ${value.length} characters` : '(not shown) is not allowed';
  return `is ${shown(value)}`;
}

/** Whether the value of `path` may contain a secret. */
export function holdsSecret(path: string): boolean {
  return SECRET_KEYS.some((key) => key === path || key.startsWith(`${path}.`));
}

/** A phrase for the values that `path` takes. */
export function allowedAt(path: string): string {
  return allowed(path, undefined, 'a value');
}

/** @param variant value of `type` in the key's object, where that is a union. */
export function unknownKey(path: string, variant?: string): string {
  const parents = path.split('.').slice(0, -1);
  while (parents.length > 0 && !isKnown(parents.join('.'))) parents.pop();
  const parent = parents.join('.');
  const value = keyAt(parent, undefined);
  if (value) return `${path} is not a known key; ${parent} itself is ${value.type}`;
  const here = childrenOf(parent, variant);
  const where = `allowed${parent ? ` in ${parent}` : ''}${variant === undefined ? '' : ` of type ${variant}`}`;
  return `${path} is not a known key; ${hintFor(path, parent, here)}${where}: ${here.join(', ')}`;
}

function isKnown(path: string): boolean {
  return describeConfig().some((key) => key.path === path || key.path.startsWith(`${path}.`));
}

function hintFor(path: string, parent: string, siblings: readonly string[]): string {
  const elsewhere = describeConfig().find(
    (key) => (key.path === path || key.path.startsWith(`${path}.`)) && key.when !== undefined,
  );
  if (elsewhere) return `it is for when ${elsewhere.when}; `;
  const guesses = closest(path, parent, siblings);
  return guesses.length === 0 ? '' : `did you mean ${guesses.join(' or ')}? `;
}

function allowed(path: string, variant: string | undefined, otherwise: string): string {
  const key = keyAt(path, variant) ?? keyAt(path.replace(/\.\d+$/, ''), variant);
  if (key) return key.default === undefined ? key.type : `${key.type} (default ${shown(key.default)})`;
  const children = childrenOf(path);
  return children.length > 0 ? `an object with ${children.join(', ')}` : otherwise;
}

function keyAt(path: string, variant: string | undefined): ConfigKey | undefined {
  const candidates = describeConfig().filter((key) => key.path === path);
  return candidates.find((key) => variant !== undefined && isOf(key, variant)) ?? candidates[0];
}

/** Names of the keys directly in `parent`. */
function childrenOf(parent: string, variant?: string): string[] {
  const prefix = parent === '' ? '' : `${parent}.`;
  const inside = describeConfig().filter((key) => {
    const isElsewhere =
      variant !== undefined && key.when?.startsWith(`${parent}.type is`) === true && !isOf(key, variant);
    return key.path.startsWith(prefix) && !isElsewhere;
  });
  return [...new Set(inside.map(({ path }) => path.slice(prefix.length).split('.')[0]!))];
}

const MOST_GUESSES = 3;
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/**
 * A sibling with nearly the same spelling; otherwise keys elsewhere with this or a similar name, the most similar path
 * first.
 */
function closest(path: string, parent: string, siblings: readonly string[]): string[] {
  const name = plain(path.split('.').at(-1)!);
  const distance = (other: string) => editDistance(name, plain(other));
  const [nearest] = siblings.toSorted((a, b) => distance(a) - distance(b));
  const isSibling = path.split('.').length === (parent === '' ? 1 : parent.split('.').length + 1);
  if (isSibling && nearest !== undefined && distance(nearest) <= Math.max(1, Math.floor(name.length / 3))) {
    return [parent === '' ? nearest : `${parent}.${nearest}`];
  }
  const paths = [...new Set(describeConfig().map((key) => key.path))].map((each) => ({
    each,
    away: distance(each.split('.').at(-1)!),
  }));
  const least = Math.min(...paths.map(({ away }) => away));
  if (least > Math.floor(name.length / 4)) return [];
  const alike = (other: string) => editDistance(path, other);
  const found = paths.filter(({ away }) => away === least).map(({ each }) => each);
  return found.toSorted((a, b) => alike(a) - alike(b)).slice(0, MOST_GUESSES);
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The discriminator of the object at `path`, if it has one. */
function typeOf(input: unknown, path: readonly string[]): string | undefined {
  const type = valueAt(input, [...path, 'type']);
  return typeof type === 'string' && keyAt([...path, 'type'].join('.'), undefined) ? type : undefined;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
