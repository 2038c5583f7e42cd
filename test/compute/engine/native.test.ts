import { expect, test } from 'vitest';
import {
  atTask,
  inNative,
  outOfNative,
  part,
  stage,
  stageWords,
  taskFlags,
} from '../../../src/compute/engine/native.ts';
import { WorkerError } from '../../../src/protocol/errors.ts';

/** Native work that runs until it is released, and a check whether the thread may be terminated. */
function working(inHand: () => boolean = () => true) {
  const flags = taskFlags();
  atTask(flags);
  let finish = (): void => {};
  const work = inNative(() => new Promise<string>((resolve) => (finish = () => resolve('computed'))));
  let mayEnd = false;
  const outside = outOfNative(flags, inHand, 60).then(() => (mayEnd = true));
  return { work, outside, finish: () => finish(), mayEnd: () => mayEnd };
}

/** Long enough for what only waits for the event loop. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
};

test('a thread in native code is waited for, and enters no other before it is ended', async () => {
  const { work, outside, finish, mayEnd } = working();
  await turns();
  expect(mayEnd()).toBe(false);
  finish();
  expect(await work).toBe('computed');
  await outside;
  await expect(inNative(() => Promise.resolve('computed'))).rejects.toThrow(WorkerError);
  atTask(taskFlags());
  expect(await inNative(() => Promise.resolve('computed'))).toBe('computed');
});

test('native code that fails is left too, and a task that is not in hand any more is not waited for', async () => {
  const flags = taskFlags();
  atTask(flags);
  await expect(inNative(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
  await outOfNative(flags, () => true, 60);

  let inHand = true;
  const { outside, mayEnd } = working(() => inHand);
  await turns();
  expect(mayEnd()).toBe(false);
  inHand = false;
  await outside;
});

test('waits no longer than the given time for a program that does not return', async () => {
  const flags = taskFlags();
  atTask(flags);
  void inNative(() => new Promise(() => {}));
  expect(await outOfNative(flags, () => true, 0.1)).toBe(false);
});

test('a task says what it works on', () => {
  const flags = taskFlags();
  atTask(flags);
  expect(stageWords(flags)).toBeUndefined();
  stage('pictures of question', 3, 8);
  expect(stageWords(flags)).toBe('pictures of question 3 of 8');
  part(5, 40);
  expect(stageWords(flags)).toBe('pictures of question 3 of 8, part 5 of 40');
  stage('token', 1, 64);
  expect(stageWords(flags)).toBe('token 1 of 64');
});
