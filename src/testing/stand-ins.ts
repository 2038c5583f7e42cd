/** What `context.next` is in a test: the recorded run's own replies, and the real vote. */
import { judge, type Classifier } from '../learn/judge.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../plugin/define.ts';
import { InputError } from '../protocol/errors.ts';
import type { Question, Sample, StepMetrics } from '../protocol/messages.ts';
import type { PortName, Ports, SampleRequest } from '../protocol/ports.ts';
import { recorded } from './recorded.ts';

/** Replies that a test gives itself. */
export type Replies = { readonly [Name in PortName]?: Ports[Name] };

export function standIns(
  questions: readonly Question[],
  grader: Classifier,
  own: Replies,
): PluginDefinition<undefined> {
  const question = (i: number): Question => {
    if (questions.length === 0) throw new InputError('there are no questions to ask: give some to testPlugin');
    return questions[i % questions.length]!;
  };
  const { ask, sample, judge: vote, learn, evaluate, synthesize } = own;
  return definePlugin({
    name: 'built-in',
    apiVersion: API_VERSION,
    ports: {
      ask: () => ask ?? (async ({ from, count }) => Array.from({ length: count }, (_, i) => question(from + i))),
      sample: () => sample ?? (async (request) => sampled(request)),
      judge: () =>
        vote ??
        ((group) => judge(group, grader, { normaliseStd: true, dropAllAgree: true, dropNoBox: true, shareFloor: 0 })),
      learn: () =>
        learn ??
        (async ({ id, parent }) => {
          const metrics = recorded.versions[0]!.metrics as StepMetrics;
          return { version: { n: parent + 1, parent, batchId: id, metrics }, metrics };
        }),
      evaluate: () =>
        evaluate ??
        (async ({ version, full }) => ({
          ...recorded.evaluations.findLast((each) => (each.full !== undefined) === full)!,
          version,
        })),
      synthesize: () =>
        synthesize ??
        (async ({ from, count }) =>
          Array.from({ length: count }, (_, i) => {
            const { pictures, text } = question(from + i);
            return {
              question: { id: `direct-${from + i}`, text, pictures, origin: 'direct' },
              seed: null,
              finish: 'stop',
            } as const;
          })),
    },
  });
}

/** The recorded responses to a question, or to another question if it has none; repeated when more are requested. */
function sampled({ questions, params }: SampleRequest): Awaited<ReturnType<Ports['sample']>> {
  const responses = ({ id }: Question): readonly Sample[] => {
    const { samples } = (recorded.groups.find(({ group }) => group.question.id === id) ?? recorded.groups[0]!).group;
    return Array.from({ length: params.samples }, (_, i) => samples[i % samples.length]!);
  };
  const groups = questions.map(responses);
  const newTokens = groups.flat().reduce((sum, { tokens }) => sum + tokens.length, 0);
  return { groups, promptTokens: questions.length, newTokens, seconds: 1 };
}
