/**
 * What a thread tells of its task while it runs, through the task's flags: how far it is, and whether it is inside native
 * code, where it must not be terminated. When ONNX Runtime's binding returns to a terminating thread, it throws, nothing
 * catches the error, and the whole process aborts. The thread sets a flag while it is inside; before terminating it, set
 * ENDING and wait for the flag to clear.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkerError } from '../../protocol/errors.ts';
import type { TaskFlags } from '../../protocol/worker.ts';

/** Indices in the flags of a task. */
export const CANCELLED = 0;
const INSIDE = 1;
const ENDING = 2;
/** 0 while no thread has the task. */
export const PROGRESS = 3;
const STAGE = 4;
const DONE = 5;
const OF = 6;
const PART = 7;
const PARTS = 8;
const FLAGS = 9;

/** What a thread counts within a task; the index is in the flags, 0 for nothing. */
const STAGES = ['', 'pictures of question', 'token', 'scoring pass', 'learning pass'] as const;

const LOOK_MILLISECONDS = 5;

export function taskFlags(): TaskFlags {
  return new Int32Array(new SharedArrayBuffer(FLAGS * Int32Array.BYTES_PER_ELEMENT));
}

/** The flags of this thread's current task. */
let current: TaskFlags | undefined;

export function atTask(flags: TaskFlags): void {
  current = flags;
  progress();
}

/** Records that the current task works on item `at` of `of`, counted from 1. */
export function stage(name: Exclude<(typeof STAGES)[number], ''>, at: number, of: number): void {
  if (!current) return;
  part(0, 0);
  Atomics.store(current, STAGE, STAGES.indexOf(name));
  Atomics.store(current, DONE, at);
  Atomics.store(current, OF, of);
}

/** Records that it works on part `at` of `of` of that item, counted from 1. */
export function part(at: number, of: number): void {
  if (!current) return;
  Atomics.store(current, PART, at);
  Atomics.store(current, PARTS, of);
}

/** `pictures of question 3 of 8, part 5 of 40`; undefined while the thread has told nothing. */
export function stageWords(flags: TaskFlags): string | undefined {
  const [name, at, of, piece, pieces] = [STAGE, DONE, OF, PART, PARTS].map((index) => Atomics.load(flags, index));
  if (name === 0) return undefined;
  return `${STAGES[name!]} ${at} of ${of}${pieces! > 1 ? `, part ${piece} of ${pieces}` : ''}`;
}

/** Records that a program of the current task has ended. */
export function progress(): void {
  if (current) Atomics.add(current, PROGRESS, 1);
}

/** @throws WorkerError when the thread is about to be terminated. */
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
 * Resolves to true when the task's thread is outside of native code, to which it then does not return, or when the task
 * is no longer `inHand`. It waits for the program that runs there; after `seconds` it resolves to false.
 */
export async function outOfNative(flags: TaskFlags, inHand: () => boolean, seconds: number): Promise<boolean> {
  Atomics.store(flags, ENDING, 1);
  // Count polls, not time: a process that was suspended has not waited.
  for (let looks = (1000 * seconds) / LOOK_MILLISECONDS; looks > 0; looks -= 1) {
    if (Atomics.load(flags, INSIDE) === 0 || !inHand()) return true;
    await delay(LOOK_MILLISECONDS);
  }
  return false;
}

/**
 * The same at exit of the process, when nothing asynchronous runs any more: blocks until every thread is outside. If a
 * program takes longer than `seconds`, SIGKILL ends the process: durable data survives it like a crash, and an abort
 * would report less.
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
