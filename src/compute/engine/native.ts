/**
 * Native code that a thread must not be ended in. ONNX Runtime's binding throws when it comes back to a thread that is
 * being ended, where nothing catches it, and the whole process aborts. So a thread says when it is inside, and who
 * wants to end it says so first and waits until it is outside.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkerError } from '../../protocol/errors.ts';
import type { TaskFlags } from '../../protocol/worker.ts';

/** Places in the flags of a task. */
export const CANCELLED = 0;
const INSIDE = 1;
const ENDING = 2;
/** 0 while no thread has the task. */
export const PROGRESS = 3;

const LOOK_MILLISECONDS = 5;

export function taskFlags(): TaskFlags {
  return new Int32Array(new SharedArrayBuffer(16));
}

/** Those of the task that this thread has in hand. */
let current: TaskFlags | undefined;

export function atTask(flags: TaskFlags): void {
  current = flags;
  progress();
}

/** A program of the task in hand has ended. */
export function progress(): void {
  if (current) Atomics.add(current, PROGRESS, 1);
}

/** @throws WorkerError when the thread is about to be ended */
export async function inNative<T>(work: () => Promise<T>): Promise<T> {
  const flags = current;
  if (!flags) return work();
  Atomics.add(flags, INSIDE, 1);
  try {
    if (Atomics.load(flags, ENDING) !== 0) throw new WorkerError('the thread is about to be ended');
    return await work();
  } finally {
    Atomics.sub(flags, INSIDE, 1);
    Atomics.add(flags, PROGRESS, 1);
  }
}

/**
 * Resolves to true when the thread that has the task is outside of native code, where it stays, or when the task is not
 * `inHand` any more. It takes as long as the program that runs there; after `seconds` it resolves to false.
 */
export async function outOfNative(flags: TaskFlags, inHand: () => boolean, seconds: number): Promise<boolean> {
  Atomics.store(flags, ENDING, 1);
  // Looks are counted, not time: a process that was stopped has not waited.
  for (let looks = (1000 * seconds) / LOOK_MILLISECONDS; looks > 0; looks -= 1) {
    if (Atomics.load(flags, INSIDE) === 0 || !inHand()) return true;
    await delay(LOOK_MILLISECONDS);
  }
  return false;
}

/**
 * The same when the process exits, where nothing asynchronous runs any more: blocks until every thread is outside. A
 * program that takes longer than `seconds` is ended together with the process by SIGKILL: what is durable survives that
 * as it survives a crash, and an abort would say less.
 */
export function leaveNative(tasks: Iterable<TaskFlags>, seconds: number): void {
  const deadline = performance.now() + 1000 * seconds;
  const idle = new Int32Array(new SharedArrayBuffer(4));
  const all = [...tasks];
  for (const flags of all) Atomics.store(flags, ENDING, 1);
  while (all.some((flags) => Atomics.load(flags, INSIDE) > 0)) {
    if (performance.now() > deadline) process.kill(process.pid, 'SIGKILL');
    Atomics.wait(idle, 0, 0, 5);
  }
}
