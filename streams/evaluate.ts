/**
 * Runs parallel to the loop: measures a version on held-out questions. The only stage that may see a label; nothing in
 * the loop reads its result.
 */
import { CancelledError } from '../src/protocol/errors.ts';
import type { Evaluation } from '../src/protocol/messages.ts';
import type { EvaluateRequest } from '../src/protocol/ports.ts';
import { evaluating } from '../src/roles/evaluator.ts';
import type { Latest } from './latest.ts';
import { markEvaluated, standing } from '../src/store/standing.ts';
import type { Loop } from './loop.ts';
import { recordEvaluation } from './record.ts';
import { refuse } from './refused.ts';

/** Evaluates a version that the caller retains. */
export async function evaluate(
  loop: Pick<Loop, 'parts' | 'effects'>,
  request: EvaluateRequest,
  signal: AbortSignal,
): Promise<Evaluation> {
  const { config, performers, store, telemetry } = loop.parts;
  // The answers reveal labels: they go to the store only, not to watchers.
  const {
    answers,
    refused = [],
    ...evaluation
  } = await performers.evaluator.perform({ ...evaluating(request, config.timeouts), signal });
  for (const each of refused) refuse(loop, 'held-out', each);
  // no question is held out, or none can be asked
  if (evaluation.n === 0 && evaluation.labelFree === undefined) return evaluation;
  const before = standing(store).best;
  const isBest = store.transaction(() => {
    store.saveEvaluation(evaluation);
    const { best } = markEvaluated(store, evaluation);
    const isBest = best !== null && (before === null || best.greedy > before.greedy);
    telemetry.evaluated(evaluation, isBest);
    telemetry.keep();
    if (answers !== undefined) store.saveAnswers(evaluation.version, answers);
    recordEvaluation(loop.parts, evaluation);
    return isBest;
  });
  loop.effects.announce({ type: 'evaluated', evaluation });
  if (isBest && before !== null) await loop.effects.keepBest(evaluation.version);
  return evaluation;
}

/** An evaluation to be done, and its waiting callers. */
export interface EvaluateOrder extends EvaluateRequest {
  /** Called when it is done, or with why it was not. */
  readonly settled: readonly ((outcome: Evaluation | Error) => void)[];
}

/** Orders the evaluation that is due at version `n`, if one is. */
export function orderDue(loop: Pick<Loop, 'parts'>, orders: Latest<EvaluateOrder>, n: number): void {
  const { everySteps, fullEverySteps } = loop.parts.config.evaluation;
  const full = n % fullEverySteps === 0;
  if (full || n % everySteps === 0) orderEvaluation(loop, orders, { version: n, full, settled: [] });
}

/** The running order continues. A waiting order is replaced by the newer version, and its caller gets that result. */
export function orderEvaluation(
  loop: Pick<Loop, 'parts'>,
  orders: Latest<EvaluateOrder>,
  { version, full, settled }: EvaluateOrder,
): void {
  loop.parts.policy.retain(version);
  const displaced = orders.put({ version, full, settled });
  if (displaced === undefined) return;
  loop.parts.policy.release(displaced.version);
  orders.put({ version, full: full || displaced.full, settled: [...displaced.settled, ...settled] });
}

/** Gives up the order that was not taken. */
export function closeOrders(loop: Pick<Loop, 'parts'>, orders: Latest<EvaluateOrder>): void {
  const left = orders.close();
  if (left === undefined) return;
  loop.parts.policy.release(left.version);
  for (const settle of left.settled) settle(new CancelledError('the daemon stops'));
}

/** The lane of the evaluations: takes an order over its retained version. */
export function evaluateOrder(loop: Loop) {
  return async (order: EvaluateOrder): Promise<Evaluation | undefined> => {
    try {
      const evaluation = await evaluate(loop, order, loop.state.stop);
      for (const settle of order.settled) settle(evaluation);
      return evaluation;
    } catch (error) {
      for (const settle of order.settled) settle(error instanceof Error ? error : new Error(String(error)));
      if (error instanceof CancelledError && loop.state.stop.aborted) return undefined;
      throw error;
    } finally {
      loop.parts.policy.release(order.version);
    }
  };
}
