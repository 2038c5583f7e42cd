/**
 * Whether what a worker sent is what its orders ask for: every reply is checked as a plug-in's is, and of some the
 * daemon scores a group again with the version that the lease names.
 */
import { wrongResponses } from '../plugin/check.ts';
import { storableResponses } from '../plugin/storable-reply.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { Sample } from '../protocol/messages.ts';
import type { ModelLimits, SampleReply, SampleRequest } from '../protocol/ports.ts';

export interface Examination {
  readonly request: SampleRequest;
  readonly groups: readonly (readonly Sample[])[];
}

/** A sentence on what is wrong with the groups; undefined where nothing shows. */
export function wrongGroups({ request, groups }: Examination, limits: ModelLimits | undefined): string | undefined {
  return wrongResponses({ groups, promptTokens: 0, newTokens: 0, seconds: 0 }, request, limits);
}

/** The groups as the store can hold them. */
export function storable(groups: Examination['groups']): SampleReply['groups'] {
  return (storableResponses({ groups, promptTokens: 0, newTokens: 0, seconds: 0 }) as SampleReply).groups;
}

/**
 * Scores the group of question `index` again. Where the sampler was cut (top-p, top-k), a token is likelier among those
 * that are left than in the whole distribution, never less likely. @param tolerance mean difference in nats that is
 * still the same version, on other hardware. @returns a sentence where it is not.
 */
export async function rescored(
  score: NonNullable<Sampler['score']>,
  { request, groups }: Examination,
  index: number,
  tolerance: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { params, questions } = request;
  const samples = groups[index]!;
  const responses = samples.map(({ tokens }) => tokens);
  const own = await score({ ...request, questions: [questions[index]!] }, [responses], signal);
  const isCut = params.topP < 1 || params.topK > 0;
  const differences = samples.flatMap(({ logprobs }, g) =>
    logprobs.map((given, t) => (isCut ? Math.max(0, own[0]![g]![t]! - given) : Math.abs(own[0]![g]![t]! - given))),
  );
  const mean = differences.reduce((sum, each) => sum + each, 0) / differences.length;
  if (mean <= tolerance) return undefined;
  return `the log-probabilities of its responses to question ${questions[index]!.id} differ by ${mean.toFixed(3)} nats a token from those of version ${request.version}; at most ${tolerance} (\`cluster.tolerance\`) is the same version on other hardware`;
}
