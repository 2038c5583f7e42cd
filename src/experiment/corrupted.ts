/**
 * STIC's dispreferred responses (Deng et al. 2024, arXiv 2405.19716, section 4.1): the second half of each group is
 * sampled from a corrupted picture, under the question and the clean picture's name, so that the learner compares both
 * under the clean one.
 */
import { API_VERSION, definePlugin, type PluginDefinition } from '../plugin/define.ts';
import type { Question, Sample } from '../protocol/messages.ts';

/**
 * A sampler: asks the run's own one for half of each group with the clean picture, and for half with the corrupted one.
 */
export function corruptedPictures(): PluginDefinition<undefined> {
  return definePlugin({
    name: 'corrupted-pictures',
    apiVersion: API_VERSION,
    ports: {
      sample:
        ({ next }) =>
        async (request, signal) => {
          const { samples } = request.params;
          const clean = Math.ceil(samples / 2);
          const half = (questions: readonly Question[], count: number) =>
            next({ ...request, questions, params: { ...request.params, samples: count } }, signal);
          const good = await half(request.questions, clean);
          const bad = await half(request.questions.map(corrupted), samples - clean);
          return {
            groups: good.groups.map((group, i) => [...group, ...bad.groups[i]!.map(withoutReference)]),
            promptTokens: good.promptTokens + bad.promptTokens,
            newTokens: good.newTokens + bad.newTokens,
            seconds: good.seconds + bad.seconds,
          };
        },
    },
  });
}

function corrupted(question: Question): Question {
  return {
    ...question,
    id: `${question.id}#corrupted`,
    pictures: question.pictures.map((of) => ({ type: 'coarse', of })),
  };
}

/** Log-probabilities under the base were computed with the corrupted picture and do not apply to the clean one. */
function withoutReference(sample: Sample): Sample {
  const { refLogprobs: _, ...rest } = sample;
  return rest;
}
