/** Settings over settings. */
import type { ConfigInput } from './schema.ts';

/** `b` over `a`, objects merged key by key; an object with another `type` replaces the old one whole. */
export function merged(a: ConfigInput, b: ConfigInput): ConfigInput {
  return mergedObjects(a, b);
}

type Plain = Record<string, unknown>;

function mergedObjects(a: Plain, b: Plain): Plain {
  const result = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = result[key];
    const together =
      isPlain(before) && isPlain(value) && (value['type'] === undefined || value['type'] === before['type']);
    result[key] = together ? mergedObjects(before, value) : value;
  }
  return result;
}

export function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
