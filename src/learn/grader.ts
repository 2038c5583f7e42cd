/**
 * Answers -> equivalence classes. Plain answers are compared here in microseconds; a pair that takes algebra goes to a
 * worker thread behind a deadline, so no answer of a model can stop the loop: past the deadline the pair counts as
 * different and the thread is replaced.
 */
import type { Worker } from 'node:worker_threads';
import { withDeadline } from '../lib/deadline.ts';
import { serial } from '../lib/serial.ts';
import { CancelledError, TimeoutError, WorkerError } from '../protocol/errors.ts';
import { classesOf } from './classes.ts';
import { interpret, samePlain, type Answer } from './equivalence/index.ts';
import type { Classifier } from './judge.ts';
import { threadEnvironment } from '../lib/thread-environment.ts';
import { startThread } from './thread.ts';
import { NO_ANSWER } from './vote.ts';

export interface GraderOptions {
  /** Deadline for one pair; past it the answers count as different. */
  readonly deadlineSeconds: number;
  /** Deadline for starting the thread. Default 60. */
  readonly startSeconds?: number;
  /** Thread entry; default grader-worker. */
  readonly worker?: URL;
}

export interface GraderCounts {
  /** Pairs decided without the worker, by the worker, given up at the deadline, and lost to a thread that died. */
  readonly plain: number;
  readonly worker: number;
  readonly timeouts: number;
  readonly crashes: number;
}

export interface PairRequest {
  readonly a: string;
  readonly b: string;
}

export type PairReply = { readonly type: 'ready' } | { readonly type: 'verdict'; readonly same: boolean };

/** Largest heap of the thread; more is a crash, which counts as different. */
const MAX_HEAP_MB = 192;

export class Grader implements Classifier, AsyncDisposable {
  private readonly options: GraderOptions;
  private readonly tally = { plain: 0, worker: 0, timeouts: 0, crashes: 0 };
  private thread: Worker | undefined;
  private closed = false;
  /** The thread compares one pair at a time, so that a deadline is about one pair. */
  private readonly inTurn = serial();

  constructor(options: GraderOptions) {
    this.options = options;
  }

  get counts(): GraderCounts {
    return { ...this.tally };
  }

  /**
   * Class of each answer, 0-based in order of first appearance (classes.ts has the rule for ambiguous ones); -1 for
   * null.
   */
  async classify(answers: readonly (string | null)[]): Promise<readonly number[]> {
    const votes = new Map<string, number>();
    for (const answer of answers) if (answer !== null) votes.set(answer.trim(), (votes.get(answer.trim()) ?? 0) + 1);
    const texts = [...votes.keys()];
    const values = texts.map(interpret);
    const candidates = values.map((answer, i) => ({ answer, votes: votes.get(texts[i] ?? '') ?? 0 }));
    const classes = await classesOf(candidates, (i, j) => this.same(texts, values, i, j));
    return answers.map((answer) =>
      answer === null ? NO_ANSWER : (classes[texts.indexOf(answer.trim())] ?? NO_ANSWER),
    );
  }

  /** Whether two answers are equal, by the same rules and deadline, for grading against a label. */
  async equivalent(a: string, b: string): Promise<boolean> {
    if (a.trim() === b.trim()) return true;
    return this.same([a, b], [interpret(a), interpret(b)], 0, 1);
  }

  private async same(texts: readonly string[], values: readonly Answer[], i: number, j: number): Promise<boolean> {
    const [x, y, a, b] = [values[i], values[j], texts[i], texts[j]];
    if (!x || !y || a === undefined || b === undefined) return false;
    const plain = samePlain(x, y);
    if (plain !== null) {
      this.tally.plain++;
      return plain;
    }
    return this.inTurn(() => this.inWorker({ a, b }));
  }

  /** @throws WorkerError when the thread cannot be started, CancelledError when the grader is closed. */
  private async inWorker(pair: PairRequest): Promise<boolean> {
    if (this.closed) throw new CancelledError('the grader was closed');
    const { deadlineSeconds, startSeconds = 60 } = this.options;
    if (!this.thread) {
      this.thread = this.spawn();
      const started = await nextReply(this.thread, startSeconds);
      if (typeof started === 'string') {
        await this.drop();
        throw new WorkerError(
          `the grader's thread did not start: ${started === 'timeout' ? `no answer in ${startSeconds} s` : started}`,
        );
      }
    }
    const thread = this.thread;
    if (!thread) throw new CancelledError('the grader was closed');
    const reply = nextReply(thread, deadlineSeconds);
    thread.postMessage(pair);
    const verdict = await reply;
    if (typeof verdict !== 'string') {
      this.tally.worker++;
      return verdict.type === 'verdict' && verdict.same;
    }
    if (this.closed) throw new CancelledError('the grader was closed');
    if (verdict === 'timeout') this.tally.timeouts++;
    else this.tally.crashes++;
    await this.drop();
    return false;
  }

  private spawn(): Worker {
    const source = import.meta.url.endsWith('.ts');
    const entry = this.options.worker ?? new URL(source ? './grader-worker.ts' : './grader-worker.js', import.meta.url);
    const worker = startThread(entry, {
      env: threadEnvironment(),
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    worker.unref();
    // A thread that dies between two pairs must not bring the process down.
    worker.on('error', () => undefined);
    return worker;
  }

  private async drop(): Promise<void> {
    const thread = this.thread;
    this.thread = undefined;
    await thread?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    await this.drop();
    await this.inTurn(() => Promise.resolve());
  }
}

/** The thread's next message, or the reason for its absence: `timeout`, or the error that ended the thread. */
function nextReply(thread: Worker, seconds: number): Promise<PairReply | string> {
  let forget = (): void => {};
  const reply = new Promise<PairReply | string>((resolve) => {
    const onError = (error: unknown): void => resolve(`it failed: ${String(error)}`);
    const onExit = (code: number): void => resolve(`it ended with code ${code}`);
    thread.on('message', resolve).on('error', onError).on('exit', onExit);
    forget = () => void thread.off('message', resolve).off('error', onError).off('exit', onExit);
  });
  const late = (error: unknown): string => {
    if (error instanceof TimeoutError) return 'timeout';
    throw error;
  };
  return withDeadline("the thread's reply", seconds, undefined, () => reply)
    .catch(late)
    .finally(forget);
}
