/** `--set path=value`: one value of the configuration from the command line. */
import { parse } from 'yaml';
import { InputError } from '../protocol/errors.ts';
import { allowedAt, holdsSecret, unknownKey } from './complain.ts';
import { describeConfig } from './describe.ts';
import { isPathKey, parsePaths, resolveEach } from './paths.ts';

type Tree = Record<string, unknown>;

/**
 * Returns a copy of `input` with the values set in order. A value is read as YAML (`5e-5`, `null`, `[0.9, 0.99]`,
 * `{type: none}`) unless the key takes text. Setting the `type` of a union to another variant drops the keys of the old
 * one.
 */
export function applyOverrides(input: unknown, overrides: readonly string[], cwd: string): unknown {
  if (overrides.length === 0) return input;
  if (!isTree(input)) return input;
  const tree = structuredCloneOfTrees(input);
  for (const override of overrides) setOne(tree, override, cwd);
  return tree;
}

function setOne(tree: Tree, override: string, cwd: string): void {
  const equals = override.indexOf('=');
  if (equals < 1) throw new InputError(`--set ${override}: expected path=value, such as learner.learningRate=3e-5`);
  const path = override.slice(0, equals).trim();
  const value = parsed(path, override.slice(equals + 1), cwd);
  const keys = path.split('.');
  const last = keys.pop()!;
  let parent = tree;
  keys.forEach((key, i) => {
    const inner = parent[key];
    parent = isTree(inner) ? inner : (parent[key] = startOf(keys.slice(0, i + 1).join('.')));
  });
  if (last === 'type' && parent['type'] !== value) for (const key of Object.keys(parent)) delete parent[key];
  parent[last] = value;
}

function parsed(path: string, text: string, cwd: string): unknown {
  const keys = describeConfig().filter((key) => key.path === path);
  if (keys.length === 0 && !describeConfig().some((key) => key.path.startsWith(`${path}.`)))
    throw new InputError(`--set ${unknownKey(path)}`);
  if (text.trim() === '') throw new InputError(`--set: ${path} is empty; allowed: ${allowedAt(path)}`);
  if (text === 'null') return null; // a folder of that name is ./null
  if (isPathKey(path)) return resolveEach(cwd, parsePaths(text));
  if (keys.some(({ type }) => type.startsWith('text'))) return text;
  try {
    return parse(text) as unknown;
  } catch (error) {
    const shown = holdsSecret(path) ? 'the value (not shown)' : JSON.stringify(text);
    throw new InputError(`--set ${path}: ${shown} cannot be read: ${(error as Error).message.split(/:?\n/)[0]}`, {
      cause: error,
    });
  }
}

/**
 * A union that the file leaves out starts as its default variant; a schedule, whose default has no settings, as a
 * cosine; data without a type, because `completeConfig` chooses that.
 */
function startOf(path: string): Tree {
  if (path === 'data') return {};
  if (path === 'learner.schedule') return { type: 'cosine' };
  const type = describeConfig().find((key) => key.path === `${path}.type`)?.default;
  return type === undefined ? {} : { type };
}

/** Copies plain objects only: plug-ins hold functions. */
function structuredCloneOfTrees(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [key, isTree(value) ? structuredCloneOfTrees(value) : value]),
  );
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
