/**
 * A sampler answers questions with a version of the policy. The local one is threads of this process
 * (local/sampler.ts); another may be a server. The loop's jobs and the samples that checks ask for go to it by the port
 * `sample`, which a plug-in may hold in its place; evaluations, canaries and the writing of questions always use this
 * one, as do `quorum eval`, `quorum ask` and `quorum synthesize`.
 *
 * A sampler holds no version: the caller of `sample` retains the version until the call has ended (learner.ts), and the
 * sampler fetches its weights by number (`WeightsOf`) at the first call that names the version. It may keep copies
 * under `WeightsRef.id`. The loop samples with its newest version; a call for an older one is a retried job or an
 * evaluation. So a sampler may drop a copy once a newer version was named and no call of the older one is in hand, at
 * the cost of reading it again.
 */
import type { SampledReply, SampleRequest, WeightsRef } from '../protocol/ports.ts';

export interface Sampler extends AsyncDisposable {
  /** Called once, before `sample`. @throws InputError when the model cannot be loaded; the start is then refused. */
  open(): Promise<void>;
  /** The part tells `listener`, in sentences, what it does by itself that a user should know. Absent: it tells nothing. */
  onNote?(listener: (text: string) => void): void;
  /**
   * The same seed, version and questions give the same samples. Several calls may be in hand at once.
   * @throws InputError when a question cannot be asked, CancelledError after `signal` aborts, RangeError when the
   * version is gone. Every other error counts against the actor's restart budget, and the job is tried again.
   */
  sample(request: SampleRequest, signal?: AbortSignal): Promise<SampledReply>;
  /**
   * log pi(token) of given responses, `[question][response][token]`, with the version and the temperature of the
   * request, without top-p and top-k. Absent where the sampler cannot.
   * @param responses tokens, `[question][response][token]`. @throws like `sample`.
   */
  score?(
    request: SampleRequest,
    responses: readonly (readonly (readonly number[])[])[],
    signal?: AbortSignal,
  ): Promise<readonly (readonly (readonly number[])[])[]>;
}

/**
 * Where the weights of a version are: `Learner.publish`, or `context.weights` of a plug-in. @throws RangeError when the
 * version is gone.
 */
export type WeightsOf = (version: number) => Promise<WeightsRef>;
