/**
 * The samples that a check asks for, drawn by the run's sampler with the loop's newest version, which at staleness 0 is the
 * group's own. A question's id holds the group's id, so its samples depend on the seed and on nothing that ran before.
 */
import type { Question, Sample } from '../src/protocol/messages.ts';
import type { Check, CheckRequest, FurtherSamples, SamplingParams } from '../src/protocol/ports.ts';
import { samplingFor } from '../src/roles/checker.ts';
import { askEach, type Asked } from './ask-each.ts';
import type { Loop } from './loop.ts';

export interface Wanting {
  readonly request: CheckRequest;
  readonly wants: FurtherSamples;
}

interface Job {
  readonly questions: readonly Question[];
  readonly params: SamplingParams;
}

/** For each question of each request its samples; an empty list once the check is parked or removed. */
export async function furtherSamples(
  loop: Pick<Loop, 'parts' | 'state'>,
  asked: Asked<Check>,
  wanting: readonly Wanting[],
): Promise<readonly (readonly (readonly Sample[])[])[]> {
  const { config, performers, policy, measures } = loop.parts;
  const { samplers } = performers;
  let turn = wanting[0]?.request.group.sequence ?? 0; // not always the first sampler
  const idOf = ({ group }: CheckRequest, i: number) => `${group.id}/${asked.first.plugin}/${i}`;
  const jobs = jobsOf(loop, wanting, idOf);
  const { version } = loop.state;
  policy.retain(version);
  measures.begin('rollout');
  let tokens = 0;
  try {
    const replies = await askEach(asked, jobs, (job) =>
      samplingFor({ ...job, seed: config.seed, version }, samplers[turn++ % samplers.length]!, config.timeouts),
    );
    if (replies.length < jobs.length) return [];
    const samples = new Map(replies.flatMap((reply) => [...reply]));
    tokens = [...samples.values()].flat().reduce((sum, sample) => sum + sample.tokens.length, 0);
    return wanting.map(({ request, wants }) => wants.questions.map((_, i) => samples.get(idOf(request, i)) ?? []));
  } finally {
    measures.end('rollout', { tokens });
    policy.release(version);
  }
}

/** Questions that are sampled in the same way go together, in jobs of at most as many rows as those of the sampler. */
function jobsOf(
  { parts: { config }, state: { settings } }: Pick<Loop, 'parts' | 'state'>,
  wanting: readonly Wanting[],
  idOf: (request: CheckRequest, i: number) => string,
): readonly Job[] {
  const alike = new Map<string, { params: SamplingParams; questions: Question[] }>();
  for (const { request, wants } of wanting) {
    const { samples, questions } = wants;
    const { temperature } = settings.samplingOf(request.group.sequence);
    const params = { ...config.sampling, samples, temperature: wants.temperature ?? temperature };
    const key = `${samples} ${params.temperature}`;
    const job = alike.get(key) ?? { params, questions: [] };
    alike.set(key, job);
    job.questions.push(
      ...questions.map((question, i): Question => ({ ...question, id: idOf(request, i), origin: 'plugin' })),
    );
  }
  const rows = config.loop.jobQuestions * config.sampling.samples;
  return [...alike.values()].flatMap(({ params, questions }) => {
    const most = Math.max(1, Math.floor(rows / params.samples));
    const parts = Math.ceil(questions.length / most);
    return Array.from({ length: parts }, (_, n) => ({ params, questions: questions.slice(n * most, (n + 1) * most) }));
  });
}
