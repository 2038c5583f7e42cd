/** The settings that may be changed while the loop runs, with the schema's own bounds. */
import { z } from 'zod';
import { InputError } from '../protocol/errors.ts';
import { configSchema, type Config } from './schema.ts';

/** Path -> unit. */
const UNITS = {
  'sampling.temperature': '',
  'sampling.samples': 'samples a question',
  'learner.learningRate': '',
  'loop.maxStaleness': 'versions',
} as const;

export type LivePath = keyof typeof UNITS;

export type LiveValues = Readonly<Record<LivePath, number>>;

export interface LiveBounds {
  readonly path: LivePath;
  /** The value must be greater than this, or equal to it unless `above`. */
  readonly min: number;
  readonly above: boolean;
  readonly max: number;
  readonly integer: boolean;
  readonly unit: string;
  readonly help: string;
}

export const LIVE_PATHS = Object.keys(UNITS) as readonly LivePath[];

export function liveValues({ sampling, learner, loop }: Pick<Config, 'sampling' | 'learner' | 'loop'>): LiveValues {
  return {
    'sampling.temperature': sampling.temperature,
    'sampling.samples': sampling.samples,
    'learner.learningRate': learner.learningRate,
    'loop.maxStaleness': loop.maxStaleness,
  };
}

interface NumberSchema {
  readonly type?: string;
  readonly description?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

interface Schema extends NumberSchema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

let bounds: readonly LiveBounds[] | undefined;

export function liveBounds(): readonly LiveBounds[] {
  const root = (): Schema => z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  bounds ??= ((schema) => LIVE_PATHS.map((path) => boundsOf(path, schema)))(root());
  return bounds;
}

function boundsOf(path: LivePath, root: Schema): LiveBounds {
  const found = path.split('.').reduce<Schema | undefined>((schema, name) => schema?.properties?.[name], root);
  const { type, minimum, exclusiveMinimum, maximum, description } = found ?? {};
  const min = minimum ?? exclusiveMinimum;
  if (min === undefined || maximum === undefined)
    throw new RangeError(`${path} has no bounds in the schema, so it cannot be changed live`);
  return {
    path,
    min,
    above: minimum === undefined,
    max: maximum,
    integer: type === 'integer',
    unit: UNITS[path],
    help: description ?? '',
  };
}

/**
 * @param written the value as it was typed. @throws InputError that names the setting, the value and the allowed
 * values.
 */
export function checkLive(path: string, value: number, written = String(value)): LivePath {
  const setting = liveBounds().find((each) => each.path === path);
  if (!setting)
    throw new InputError(`${path} cannot be changed while the loop runs; what can: ${LIVE_PATHS.join(', ')}`);
  const { min, above, max, integer } = setting;
  const fits =
    Number.isFinite(value) &&
    (above ? value > min : value >= min) &&
    value <= max &&
    (!integer || Number.isInteger(value));
  if (fits) return setting.path;
  throw new InputError(`${path} cannot be ${written}: it must be ${allowedWords(setting)}`);
}

/** `a whole number at least 2 and at most 1024`. */
export function allowedWords({
  min,
  above,
  max,
  integer,
}: Pick<LiveBounds, 'min' | 'above' | 'max' | 'integer'>): string {
  return `a ${integer ? 'whole number' : 'number'} ${above ? 'above' : 'at least'} ${min} and at most ${max}`;
}
