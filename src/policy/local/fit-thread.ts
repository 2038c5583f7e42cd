/** The thread in which a run is made to fit: tracing its programs loads TF.js and takes seconds for a large model. */
import { parentPort, workerData } from 'node:worker_threads';
import { toErrorData, type ErrorData } from '../../protocol/errors.ts';
import type { Question } from '../../protocol/messages.ts';
import { fit, type Fit, type Free } from './fit.ts';
import type { PolicyConfig } from './open.ts';

export interface FitRequest {
  readonly config: PolicyConfig;
  readonly questions: readonly Question[];
  readonly free: Free;
}

export type FitReply = { readonly fit: Fit } | { readonly error: ErrorData };

const { config, questions, free } = workerData as FitRequest;
const reply: FitReply = await fit(config, questions, free).then(
  (found) => ({ fit: found }),
  (error: unknown) => ({ error: toErrorData(error) }),
);
parentPort!.postMessage(reply);
