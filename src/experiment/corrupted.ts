/**
 * STIC's dispreferred responses (Deng et al. 2024, arXiv 2405.19716, section 4.1): the second half of each group is sampled from a corrupted
 * picture, under the question and the clean picture's name, so that the learner compares both under the clean one.
 */
import type { Question, Sample } from '../protocol/messages.ts';
import type { Policy, SampleReply, SampleRequest } from '../policy/policy.ts';

/** `policy`, sampling the second half of each training group from corrupted pictures. Evaluation, which wants no reference, is left alone. */
export function withCorruptedPictures(policy: Policy): Policy {
  const sample = async (request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> => {
    if (request.reference !== true) return policy.sample(request, signal);
    const { samples } = request.params;
    const clean = Math.ceil(samples / 2);
    const half = (questions: readonly Question[], count: number) =>
      policy.sample({ ...request, questions, params: { ...request.params, samples: count } }, signal);
    const good = await half(request.questions, clean);
    const bad = await half(request.questions.map(corrupted), samples - clean);
    return {
      groups: good.groups.map((group, i) => [...group, ...bad.groups[i]!.map(withoutReference)]),
      promptTokens: good.promptTokens + bad.promptTokens,
      newTokens: good.newTokens + bad.newTokens,
      seconds: good.seconds + bad.seconds,
    };
  };
  return new Proxy(policy, {
    get(target, key) {
      if (key === 'sample') return sample;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function corrupted(question: Question): Question {
  return { ...question, id: `${question.id}#corrupted`, pictures: question.pictures.map((of) => ({ type: 'coarse', of })) };
}

/** Log-probabilities under the base were taken with the corrupted picture: they say nothing about the clean one. */
function withoutReference(sample: Sample): Sample {
  const { refLogprobs: _, ...rest } = sample;
  return rest;
}
