/**
 * How numbers flow through the steps of a work: each operand is a premise or an earlier result, or the one constant that
 * the last step may have (`29-24=5`, where a clock goes round). Everything that is listed or found is used once.
 */
import type { Formula, Operand } from './formula.ts';
import { placesOf, valueOf } from './value.ts';
import type { Step } from './work.ts';

/** A fault in the flow, and the step that has it, if one has. */
export interface Fault {
  readonly why: string;
  readonly step?: string;
  /** Where the fault begins, in the text that is read; default: at the box, which comes too early. */
  readonly at?: number | undefined;
}

export interface Flow {
  readonly fault?: Fault;
  /** Premises that no step uses, as listed. */
  readonly unused: readonly string[];
  /** Where the last step begins if it has a number from nowhere. */
  readonly constantAt: number | undefined;
}

/** What is left to use, by number and sign: a number listed with a plus is added, one listed with a minus subtracted. */
type Pool = Map<string, number>;

export function flowOf(premises: readonly Operand[], steps: readonly Step[]): Flow {
  const listed: Pool = new Map();
  const found: Pool = new Map();
  let constantAt: number | undefined;
  for (const { sign, number } of premises) put(listed, sign + plain(number));
  for (const [i, step] of steps.entries()) {
    const isLast = i === steps.length - 1;
    if (operandsOf(step).length === 0)
      return {
        fault: { why: 'it has a step that cannot be read', step: step.text, at: step.start },
        unused: [],
        constantAt,
      };
    const strangers = operandsOf(step).filter((operand) => !uses(operand, found) && !uses(operand, listed));
    const [stranger] = strangers;
    if (stranger && (!isLast || strangers.length > 1 || !isConstant(stranger, listed)))
      return {
        fault: {
          why: `its ${stranger.number} is neither read nor a result that is left`,
          step: step.text,
          at: step.start,
        },
        unused: [],
        constantAt,
      };
    constantAt = stranger && step.start;
    if (!isLast) put(found, resultOf(step));
  }
  const [idle] = left(found);
  return {
    unused: left(listed),
    constantAt,
    ...(idle !== undefined && { fault: { why: `it does not use its result ${idle}`, at: constantAt } }),
  };
}

/** Nothing is added from nowhere, taken away twice, or made nothing of. */
const isConstant = ({ number, sign }: Operand, listed: Pool): boolean =>
  sign !== '+' && Number(number) !== 0 && !(sign === '-' && listed.has(`-${plain(number)}`));

/** A step calculates what its first expression says; those after it only simplify. */
export const operandsOf = ({ sides }: Step): readonly Operand[] =>
  sides.find(({ calculates, readable }) => calculates && readable)?.operands ?? [];

export const lastSide = ({ sides }: Step): Formula | undefined => sides.findLast(({ readable }) => readable);

function resultOf(step: Step): string {
  const side = lastSide(step);
  return side === undefined ? '' : plain(side.spelt);
}

/** `007` and `7.0` are 7. */
function plain(spelt: string): string {
  if (/^-?(?:0|[1-9]\d*)$/.test(spelt)) return spelt;
  const value = placesOf(spelt) === null ? null : valueOf(spelt);
  return value === null ? spelt : String(value.near);
}

function uses({ number, sign }: Operand, pool: Pool): boolean {
  const key = plain(number);
  return sign === '-' ? take(pool, `-${key}`) || take(pool, key) : take(pool, `+${key}`) || take(pool, key);
}

const put = (pool: Pool, key: string): void => void pool.set(key, (pool.get(key) ?? 0) + 1);

function take(pool: Pool, key: string): boolean {
  const count = pool.get(key) ?? 0;
  if (count > 0) pool.set(key, count - 1);
  return count > 0;
}

const left = (pool: Pool): string[] => [...pool].flatMap(([key, count]) => Array.from({ length: count }, () => key));
