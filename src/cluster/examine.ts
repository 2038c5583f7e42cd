/**
 * Checks that a worker's groups are what its lease asks for: each reply as a plug-in's is checked, and a share of them by
 * scoring a group again with the version that the lease names.
 */
import type { Config } from '../config/schema.ts';
import { wrongResponses } from '../plugin/check.ts';
import { storableResponses } from '../plugin/storable-reply.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { Sample } from '../protocol/messages.ts';
import type { ModelLimits, ModelText, SampleReply, SampleRequest } from '../protocol/ports.ts';
import type { Members } from './members.ts';

export interface Examined {
  readonly request: SampleRequest;
  readonly groups: readonly (readonly Sample[])[];
  /** Parallel to `groups`. */
  readonly workers: readonly string[];
}

export interface Examiner {
  readonly cluster: Pick<Config['cluster'], 'checkShare' | 'tolerance'>;
  readonly own: Sampler;
  readonly limits: ModelLimits | undefined;
  /** Absent where the policy has no model folder. */
  readonly tokenizer?: ModelText['tokenizer'];
  readonly members: Pick<Members, 'isDue'>;
}

/** The worker that sent something wrong, with a sentence on it; undefined where nothing shows. */
export async function examine(
  given: Examined,
  { cluster, own, limits, tokenizer, members }: Examiner,
): Promise<{ readonly worker: string; readonly why: string } | undefined> {
  const { request, groups, workers } = given;
  const wrong = wrongResponses({ groups, promptTokens: 0, newTokens: 0, seconds: 0 }, request, limits);
  if (wrong !== undefined) return { worker: workers[0]!, why: wrong };
  // A check decides what is taken, never what is learnt: it needs no seed.
  const index = Math.floor(Math.random() * groups.length);
  const worker = workers[index]!;
  if (request.params.temperature === 0 || !members.isDue('sampler', worker, cluster.checkShare, Math.random()))
    return undefined;
  for (const { tokens, text } of groups[index]!)
    if (tokenizer && (await tokenizer.decode(tokens)) !== text)
      return { worker, why: 'a text of its responses is not that of its tokens' };
  const why = own.score && (await rescored(own.score.bind(own), given, index, cluster.tolerance));
  return why === undefined ? undefined : { worker, why };
}

/** The groups as the store can hold them. */
export function storable(groups: Examined['groups']): SampleReply['groups'] {
  return (storableResponses({ groups, promptTokens: 0, newTokens: 0, seconds: 0 }) as SampleReply).groups;
}

/**
 * Scores the group of question `index` again. Where the sampler was cut (top-p, top-k), a token is likelier among those
 * that are left than in the whole distribution, never less likely. @param tolerance mean difference in nats that is
 * still the same version, on other hardware. @returns a sentence where it is not.
 */
async function rescored(
  score: NonNullable<Sampler['score']>,
  { request, groups }: Examined,
  index: number,
  tolerance: number,
): Promise<string | undefined> {
  const { params, questions } = request;
  const samples = groups[index]!;
  const responses = samples.map(({ tokens }) => tokens);
  const own = await score({ ...request, questions: [questions[index]!] }, [responses]);
  const isCut = params.topP < 1 || params.topK > 0;
  const differences = samples.flatMap(({ logprobs }, g) =>
    logprobs.map((given, t) => (isCut ? Math.max(0, own[0]![g]![t]! - given) : Math.abs(own[0]![g]![t]! - given))),
  );
  const mean = differences.reduce((sum, each) => sum + each, 0) / differences.length;
  if (mean <= tolerance) return undefined;
  return `the log-probabilities of its responses to question ${questions[index]!.id} differ by ${mean.toFixed(3)} nats a token from those of version ${request.version}; at most ${tolerance} (\`cluster.tolerance\`) is the same version on other hardware`;
}
