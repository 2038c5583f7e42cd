/** Errors that a caller branches on. They cross threads as data (`toData`) and are rebuilt by name. */
import type { StepMetrics } from './messages.ts';

/** Bad input from the user: a file, a config key, an argument. The message names the thing, its value and the fix. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** A wait ran past its deadline; the message names what was waited for. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** The work was cancelled on purpose (a stop, pause or restart). */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

/** A worker thread ended or failed while it held a task. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
}

/** A TF.js kernel or an ONNX operator that an engine does not support; the message names it. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
}

/** A plug-in threw, or returned what its port does not allow; the message names it and the port. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
}

/** A plug-in used something that the user has not allowed; the message says how to allow it. */
export class PermissionError extends Error {
  override readonly name = 'PermissionError';
}

/**
 * A learner step has non-finite numbers or numbers beyond any sane bound; the message names them. The step changed
 * nothing.
 */
export class UnsoundStepError extends Error {
  override readonly name = 'UnsoundStepError';
  /** The step's metrics, if it got that far. */
  readonly metrics: StepMetrics | undefined;

  constructor(message: string, options: { readonly metrics?: StepMetrics } = {}) {
    super(message);
    this.metrics = options.metrics;
  }
}

/** A helper gave a wrong gradient of a pass, and is out; the step can be taken again. */
export class WrongGradientError extends Error {
  override readonly name = 'WrongGradientError';
}

/** An item used up its tries and is to blame, not the actor; `cause` is the last failure. */
export class ItemError extends Error {
  override readonly name = 'ItemError';
}

const KNOWN = {
  InputError,
  TimeoutError,
  CancelledError,
  WorkerError,
  UnsupportedError,
  PluginError,
  PermissionError,
  UnsoundStepError,
  WrongGradientError,
};

export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

export function toErrorData(error: unknown): ErrorData {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: 'Error', message: String(error) };
}

export function fromErrorData(data: ErrorData): Error {
  const Known = KNOWN[data.name as keyof typeof KNOWN];
  const error = Known ? new Known(data.message) : Object.assign(new Error(data.message), { name: data.name });
  if (data.stack !== undefined) error.stack = data.stack;
  return error;
}
