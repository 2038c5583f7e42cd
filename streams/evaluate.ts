/** Beside the loop: how good is a version on held-out questions. The only stage that may see a label, and nothing in the loop reads its result. */
import { CancelledError } from '../src/protocol/errors.ts';
import type { Evaluation } from '../src/protocol/messages.ts';
import type { EvaluateRequest } from '../src/protocol/ports.ts';
import type { Latest } from './latest.ts';
import { PROGRESS, type Loop } from './loop.ts';

/** Evaluates a version that the caller retains. */
export async function evaluate(loop: Loop, request: EvaluateRequest, signal: AbortSignal): Promise<Evaluation> {
  const { config, crew, store, telemetry } = loop;
  const evaluation = await crew.evaluator.perform({
    doing: `evaluating version ${request.version}${request.full ? ' in full' : ''}`,
    seconds: config.timeouts.evaluateSeconds,
    signal,
    run: (port, inner) => port(request, inner),
  });
  if (evaluation.n === 0) return evaluation; // no held-out question has a label: there is nothing to say
  const best = telemetry.status().accuracy.best;
  telemetry.evaluated(evaluation);
  store.together(() => {
    store.saveEvaluation(evaluation);
    store.setMeta(PROGRESS, telemetry.progress());
    store.metric('greedy', evaluation.version, evaluation.greedy);
  });
  loop.announce({ type: 'evaluated', evaluation });
  if (best !== null && evaluation.greedy > best.greedy) await loop.keepBest(evaluation.version);
  return evaluation;
}

/** Orders the evaluation that is due at version `n`, if one is. The order in hand is not disturbed; one that still waits gives way. */
export function orderEvaluation(loop: Loop, orders: Latest<EvaluateRequest>, n: number): void {
  const { everySteps, fullEverySteps } = loop.config.evaluation;
  const full = n % fullEverySteps === 0;
  if (!full && n % everySteps !== 0) return;
  loop.policy.retain(n);
  const displaced = orders.put({ version: n, full });
  if (displaced === undefined) return;
  loop.policy.release(displaced.version);
  if (displaced.full) orders.put({ version: n, full: true });
}

/** The lane of the evaluations: takes an order over its retained version. */
export function evaluateOrder(loop: Loop) {
  return async (order: EvaluateRequest): Promise<Evaluation | undefined> => {
    try {
      return await evaluate(loop, order, loop.stop);
    } catch (error) {
      if (error instanceof CancelledError && loop.stop.aborted) return undefined;
      throw error;
    } finally {
      loop.policy.release(order.version);
    }
  };
}
