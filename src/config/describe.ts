/**
 * The configuration as a flat table, made from the schema: for `--help`, the docs, and error messages with the allowed
 * values.
 */
import { z } from 'zod';
import { configSchema } from './schema.ts';

export interface ConfigKey {
  /** `learner.learningRate`. */
  readonly path: string;
  /** The allowed values as a phrase: `number > 0, at most 1`. */
  readonly type: string;
  /** Undefined for a key without one. */
  readonly default: unknown;
  /** Whether it must be given (in its variant). */
  readonly required: boolean;
  readonly doc: string;
  /** The variants of a union that have the key: `data.type is constant`, `data.type is files, jsonl or parquet`. */
  readonly when?: string;
}

/** Whether the key belongs to this variant of a union. */
export function isOf({ when }: ConfigKey, variant: string): boolean {
  const variants = when?.slice(when.indexOf(' is ') + 4).split(/, | or /);
  return variants?.includes(variant) === true;
}

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

let table: readonly ConfigKey[] | undefined;

/** Every key that has a value, in the order of the schema. */
export function describeConfig(): readonly ConfigKey[] {
  table ??= describeSchema(configSchema);
  return table;
}

/** The same of any zod schema of an object. */
export function describeSchema(schema: z.ZodType): readonly ConfigKey[] {
  return [...keysOf('', z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema)];
}

function* keysOf(path: string, schema: JsonSchema, required = false, when?: string): Generator<ConfigKey> {
  if (schema.properties) {
    for (const [name, property] of Object.entries(schema.properties)) {
      if (property.const !== undefined || (name === 'type' && when !== undefined && property.enum !== undefined))
        continue;
      yield* keysOf(path ? `${path}.${name}` : name, property, schema.required?.includes(name), when);
    }
  } else if (schema.oneOf) {
    yield discriminator(path, schema);
    for (const variant of schema.oneOf)
      yield* keysOf(path, variant, false, `${path}.type is ${anyOf(typesOf(variant))}`);
  } else {
    const { default: value, description: doc = '' } = schema;
    yield { path, type: inWords(path, schema), default: value, required, doc, ...(when !== undefined && { when }) };
  }
}

function discriminator(path: string, schema: JsonSchema): ConfigKey {
  const names = schema.oneOf!.flatMap(typesOf).map((name) => JSON.stringify(name));
  const { type } = (schema.default ?? {}) as { type?: unknown };
  return {
    path: `${path}.type`,
    type: names.join(' | '),
    default: type,
    required: false,
    doc: schema.description ?? '',
  };
}

/** `a, b or c`. */
function anyOf(names: readonly unknown[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${String(names.at(-1))}` : String(names[0]);
}

function typesOf({ properties }: JsonSchema): readonly unknown[] {
  const { const: name, enum: names } = properties?.['type'] ?? {};
  return names ?? [name];
}

function inWords(path: string, schema: JsonSchema): string {
  if (path === 'plugins')
    return 'list of package names, file paths, definePlugin(...) or {use, options, thread, labels}';
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map((option) => inWords(path, option)).join(' or ');
  if (schema.items) return `list of ${inWords(path, schema.items)}`;
  if (schema.prefixItems) return `list of ${schema.prefixItems.length} (${inWords(path, schema.prefixItems[0]!)})`;
  if (schema.type === 'boolean') return 'true | false';
  if (schema.type === 'string')
    return `text${lengths(schema)}${schema.pattern === undefined ? '' : ` with ${schema.pattern.replaceAll('\\', '')}`}`;
  if (schema.type === 'integer') return `whole number${bounds(schema)}`;
  if (schema.type === 'number') return `number${bounds(schema)}`;
  return schema.type ?? 'value';
}

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const low = exclusiveMinimum !== undefined ? ` > ${exclusiveMinimum}` : isBound(minimum) ? ` >= ${minimum}` : '';
  const high = exclusiveMaximum !== undefined ? ` < ${exclusiveMaximum}` : isBound(maximum) ? ` <= ${maximum}` : '';
  return low && high ? `${low} and${high}` : low || high;
}

/** That a text must not be empty goes without saying. */
function lengths({ minLength = 1, maxLength }: JsonSchema): string {
  return maxLength === undefined ? '' : ` of ${minLength} to ${maxLength} characters`;
}

/** zod gives whole numbers the safe integers as bounds; leave them out. */
function isBound(value: number | undefined): boolean {
  return value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
}
