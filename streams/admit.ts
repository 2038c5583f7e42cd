/** Stage 1: as many questions as there are credits are admitted, in a durable order, before anyone samples them. */
import type { Question } from '../src/protocol/messages.ts';
import type { Admission, Store } from '../src/store/store.ts';
import { asking } from '../src/roles/questioner.ts';
import type { Source } from './curriculum.ts';
import type { Rememberers } from './judge.ts';
import type { Loop } from './loop.ts';
import { underOwnIds } from './own-ids.ts';
import type { Prompts } from './writing.ts';

export function admit(loop: Pick<Loop, 'parts' | 'state'>, { synthesis, curriculum, writing }: Rememberers) {
  const { store } = loop.parts;
  const source: Source = (from, count) => ask(loop, from, count);
  return async (count: number): Promise<readonly Admission[]> => {
    const from = store.nextSequence;
    const prompts = synthesis && writing.prompts(from, count);
    if (prompts !== undefined) return admitPrompts(store, from, prompts);
    const { hasQuestions } = loop.parts;
    const chosen = hasQuestions ? await curriculum?.choose(from, count, source) : undefined;
    const asked = chosen?.questions ?? (hasQuestions ? await source(from, count) : undefined);
    const { questions, change } = synthesis
      ? await synthesis.mix(from, count, asked, loop.state.version)
      : { questions: asked ?? [], change: {} };
    const admissions = questions.map((question, i) => ({ sequence: from + i, question }));
    store.transaction(() => {
      store.admit(admissions);
      chosen?.keep(admissions);
      if (synthesis) store.changePool(change);
    });
    return admissions;
  };
}

function admitPrompts(store: Store, from: number, { questions, keep }: Prompts): readonly Admission[] {
  const admissions = questions.map((question, i) => ({ sequence: from + i, question }));
  store.transaction(() => {
    store.admit(admissions);
    keep();
  });
  return admissions;
}

async function ask(
  { parts: { config, performers, store }, state: { stop } }: Pick<Loop, 'parts' | 'state'>,
  from: number,
  count: number,
): Promise<readonly Question[]> {
  const questions = await performers.questioner.perform({ ...asking({ from, count }, config.timeouts), signal: stop });
  if (questions.length === 0 || questions.length > count)
    throw new Error(`the questioner was asked for ${count} questions and gave ${questions.length}`);
  const known = { admitted: (id: string) => store.admitted(id) ?? store.curriculumQuestion(id) };
  return underOwnIds(known, questions);
}
