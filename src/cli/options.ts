/** Parsers of option values; each checks its value, so that the error message names the option. */
import { InvalidArgumentError } from 'commander';
import { COLUMN_ROLES, type Columns } from '../data/columns.ts';

function numberOf(text: string, check: (value: number) => boolean, expected: string): number {
  const value = Number(text);
  if (text.trim() === '' || !check(value)) throw new InvalidArgumentError(`Expected ${expected}.`);
  return value;
}

export function parseCount(text: string): number {
  return numberOf(text, (value) => Number.isSafeInteger(value) && value > 0, 'a whole number, 1 or more');
}

export function parsePort(text: string): number {
  return numberOf(
    text,
    (value) => Number.isInteger(value) && value > 0 && value <= 65_535,
    'a port, a whole number from 1 to 65535',
  );
}

export function parseSeed(text: string): number {
  return numberOf(
    text,
    (value) => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff,
    'a whole number from 0 to 4294967295',
  );
}

export function parseIndex(text: string): number {
  return numberOf(text, (value) => Number.isSafeInteger(value) && value >= 0, 'a whole number, 0 or more');
}

export function parsePositive(text: string): number {
  return numberOf(text, (value) => Number.isFinite(value) && value > 0, 'a number greater than 0');
}

export function parseTemperature(text: string): number {
  return numberOf(
    text,
    (value) => value === 0 || (value >= 0.01 && value <= 10),
    '0, which is greedy, or a number from 0.01 to 10',
  );
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('Expected JSON, such as \'{"weight": 0.5}\'.');
  }
}

export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** `kind=metadata.task`. */
export function collectColumn(value: string, before: Columns = {}): Columns {
  const [role = '', ...name] = value.split('=');
  if (COLUMN_ROLES.some((known) => known === role) && name.join('=') !== '')
    return { ...before, [role]: name.join('=') };
  throw new InvalidArgumentError(
    `Expected role=name with one of the roles ${COLUMN_ROLES.join(', ')}, such as kind=metadata.task.`,
  );
}

export interface Assignment {
  readonly path: string;
  readonly text: string;
}

/** `sampling.temperature=0.8`. */
export function parseAssignment(text: string): Assignment {
  const [path = '', ...value] = text.split('=');
  if (path === '' || value.length === 0)
    throw new InvalidArgumentError('Expected path=value, such as sampling.temperature=0.8.');
  return { path: path.trim(), text: value.join('=') };
}
