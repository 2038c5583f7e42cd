/** Turns what zod found into sentences that name the key, its value and what is allowed. */
import type { z } from 'zod';
import { InputError } from '../protocol/errors.ts';
import { describeConfig, type ConfigKey } from './describe.ts';

type Issue = z.core.$ZodIssue;

/** Their values are not shown, not even in a complaint about them. */
const SECRET_KEYS: readonly string[] = ['dashboard.viewToken', 'dashboard.controlToken'];

/** One line an issue. `source` says where the configuration came from. */
export function complaint(source: string, input: unknown, issues: readonly Issue[]): InputError {
  return new InputError(
    issues
      .flatMap((issue) => sentences(input, issue))
      .map((line) => `${source}: ${line}`)
      .join('\n'),
  );
}

function sentences(input: unknown, issue: Issue): string[] {
  if (issue.code === 'unrecognized_keys') {
    const parent = issue.path.map(String);
    return issue.keys.map((key) => unknownKey([...parent, key].join('.'), typeOf(input, parent)));
  }
  const path = issue.path.map(String).join('.');
  const value = valueAt(input, issue.path);
  const is = value === undefined ? 'is missing' : SECRET_KEYS.includes(path) ? '(not shown) is not allowed' : `is ${shown(value)}`;
  return [`${path || 'the configuration'} ${is}; allowed: ${allowed(path, typeOf(input, issue.path.slice(0, -1).map(String)), issue)}`];
}

/** @param variant value of `type` beside the key, where it is in a union. */
export function unknownKey(path: string, variant?: string): string {
  const parent = path.split('.').slice(0, -1).join('.');
  const here = childrenOf(parent, variant);
  const where = `allowed${parent ? ` in ${parent}` : ''}${variant === undefined ? '' : ` of type ${variant}`}`;
  return `${path} is not a known key; ${hintFor(path, here)}${where}: ${here.join(', ')}`;
}

function hintFor(path: string, siblings: readonly string[]): string {
  const elsewhere = describeConfig().find((key) => key.path === path && key.when !== undefined);
  if (elsewhere) return `it is for when ${elsewhere.when}; `;
  const guess = closest(path, siblings);
  return guess === undefined ? '' : `did you mean ${guess}? `;
}

function allowed(path: string, variant: string | undefined, issue: Issue): string {
  const key = keyAt(path, variant) ?? keyAt(path.replace(/\.\d+$/, ''), variant);
  if (key) return key.default === undefined ? key.type : `${key.type} (default ${shown(key.default)})`;
  const children = childrenOf(path);
  return children.length > 0 ? `an object with ${children.join(', ')}` : issue.message;
}

function keyAt(path: string, variant: string | undefined): ConfigKey | undefined {
  const candidates = describeConfig().filter((key) => key.path === path);
  return candidates.find(({ when }) => variant !== undefined && when?.endsWith(`type is ${variant}`)) ?? candidates[0];
}

/** Names of the keys directly in `parent`. */
function childrenOf(parent: string, variant?: string): string[] {
  const prefix = parent === '' ? '' : `${parent}.`;
  const inside = describeConfig().filter(({ path, when }) => {
    return (
      path.startsWith(prefix) &&
      (variant === undefined || when === undefined || !when.startsWith(`${parent}.type is`) || when.endsWith(` is ${variant}`))
    );
  });
  return [...new Set(inside.map(({ path }) => path.slice(prefix.length).split('.')[0]!))];
}

/** A sibling that is spelt nearly the same, or the same name elsewhere. */
function closest(path: string, siblings: readonly string[]): string | undefined {
  const parents = path.split('.');
  const name = parents.pop()!;
  const distance = (sibling: string) => editDistance(name.toLowerCase(), sibling.toLowerCase());
  const nearest = siblings.toSorted((a, b) => distance(a) - distance(b))[0];
  if (nearest !== undefined && distance(nearest) <= Math.max(1, Math.floor(name.length / 3))) return [...parents, nearest].join('.');
  return describeConfig().find((key) => key.path.endsWith(`.${name}`))?.path;
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

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
