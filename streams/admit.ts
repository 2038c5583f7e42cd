/** Stage 1: as many questions as there are credits are admitted, in a durable order, before anyone samples them. */
import type { Admission } from '../src/store/store.ts';
import type { Loop } from './loop.ts';

export function admit({ config, crew, store, stop }: Loop) {
  return async (count: number): Promise<readonly Admission[]> => {
    const from = store.nextSequence;
    const questions = await crew.questioner.perform({
      doing: `choosing ${count} question${count === 1 ? '' : 's'}`,
      seconds: config.timeouts.sampleSeconds,
      signal: stop,
      run: (port, signal) => port({ from, count }, signal),
    });
    if (questions.length === 0 || questions.length > count)
      throw new Error(`the questioner was asked for ${count} questions and gave ${questions.length}`);
    const admissions = questions.map((question, i) => ({ sequence: from + i, question }));
    store.admit(admissions);
    return admissions;
  };
}
