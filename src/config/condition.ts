/**
 * `accuracy >= 0.9 and version > 50`: conditions over metrics, as `loop.stopWhen` has them. Comparisons of a name with
 * a number, joined by `and` and `or`; `and` binds closer. They are read, never run as code.
 */
import { InputError } from '../protocol/errors.ts';

const COMPARE = {
  '>=': (a: number, b: number) => a >= b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '<': (a: number, b: number) => a < b,
};

const DIGITS = 6;

type Operator = keyof typeof COMPARE;

interface Comparison {
  readonly metric: string;
  readonly operator: Operator;
  readonly value: number;
  /** As it was written. */
  readonly text: string;
}

/** One of the inner lists must hold as a whole. */
export type Condition = readonly (readonly Comparison[])[];

const COMPARISON = /^([a-z][\w.-]*)\s*(>=|<=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(%?)$/i;

/** @param name of the setting, for the message. @throws InputError that quotes the part that cannot be read. */
export function parseCondition(text: string, name: string): Condition {
  const comparison = (part: string): Comparison => {
    const [, metric, operator, number, percent] = COMPARISON.exec(part.trim()) ?? [];
    if (metric !== undefined && operator !== undefined)
      return {
        metric,
        operator: operator as Operator,
        value: Number(number) / (percent === '%' ? 100 : 1),
        text: part.trim(),
      };
    throw new InputError(
      `${name} is ${JSON.stringify(text)}: ${JSON.stringify(part.trim())} cannot be read; a condition is a metric, >=, <=, > or < and a number, ` +
        "such as 'accuracy >= 0.9', and several are joined by and, or",
    );
  };
  return text.split(/\s+or\s+|\|\|/i).map((all) => all.split(/\s+and\s+|&&/i).map(comparison));
}

/** Each name once, in order. */
export function metricsIn(condition: Condition): readonly string[] {
  return [...new Set(condition.flat().map(({ metric }) => metric))];
}

/** A value of a metric, and the version at which it was measured. */
export interface Reading {
  readonly value: number;
  readonly version: number;
}

/**
 * The comparisons that make it hold: `accuracy >= 0.9 (it is 0.912 at version 35)`. A metric that has no value yet
 * makes no comparison hold.
 */
export function whyItHolds(condition: Condition, readings: ReadonlyMap<string, Reading>): string | undefined {
  const holds = ({ metric, operator, value }: Comparison) =>
    COMPARE[operator](readings.get(metric)?.value ?? NaN, value);
  const words = ({ metric, text }: Comparison) => {
    const { value, version } = readings.get(metric)!;
    return `${text} (it is ${Number(value.toPrecision(DIGITS))} at version ${version})`;
  };
  return condition
    .find((all) => all.every(holds))
    ?.map(words)
    .join(' and ');
}
