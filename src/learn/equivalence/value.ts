/** The value of an answer: its structure, with expressions at the leaves. */
import type { Expression } from './expression.ts';
import type { Unit } from './units.ts';

export type Value =
  /**
   * A number or an expression, with the unit it was stated in; `percent` for 50% (equal to 0.5 and, the sign being a
   * unit, to 50).
   */
  | {
      readonly type: 'quantity';
      readonly expression: Expression;
      readonly unit: Unit | null;
      readonly percent: boolean;
      /** `3s^2` where the unit is read as letters. */
      readonly product?: Expression;
    }
  /** A letter that marks an option, with the option's text if given. */
  | { readonly type: 'choice'; readonly letter: string; readonly rest: Value | null }
  /** `3, 4`; `open` and `close` are '' for a bare list, and a set (`{}`) has no order. */
  | { readonly type: 'sequence'; readonly open: string; readonly close: string; readonly items: readonly Value[] }
  | { readonly type: 'union'; readonly parts: readonly Value[] }
  | { readonly type: 'ratio'; readonly parts: readonly Value[] }
  /** An amount with a direction: `5 m to the left`. */
  | { readonly type: 'directed'; readonly amount: Value; readonly way: string }
  /** Both ends of a range; `ratio` when it may also be a ratio: `1 to 2`. */
  | { readonly type: 'range'; readonly ends: readonly [Value, Value]; readonly ratio: boolean }
  | { readonly type: 'relation'; readonly operator: string; readonly left: Value; readonly right: Value }
  /** Two readings of one answer, either of which may be meant: `8\sqrt{2} \approx 11.3`. */
  | { readonly type: 'either'; readonly parts: readonly Value[] }
  /** Minutes since midnight, and whether am or pm was stated. */
  | { readonly type: 'time'; readonly minutes: number; readonly meridiem: 'am' | 'pm' | null }
  | { readonly type: 'date'; readonly iso: string }
  /** Compared sign by sign: a formula, a genotype. */
  | { readonly type: 'written'; readonly text: string }
  /** Named by its points, in the order of the name. */
  | {
      readonly type: 'figure';
      readonly kind: 'angle' | 'triangle' | 'segment' | 'ray' | 'line' | 'arc' | 'circle';
      readonly points: readonly string[];
    }
  | { readonly type: 'words'; readonly text: string };

export type Quantity = Extract<Value, { type: 'quantity' }>;
export type Sequence = Extract<Value, { type: 'sequence' }>;
export type Relation = Extract<Value, { type: 'relation' }>;
export type Figure = Extract<Value, { type: 'figure' }>;
