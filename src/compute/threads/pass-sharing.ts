/** Offers the passes of a step to helpers, by messages to the main thread. */
import { CancelledError, WrongGradientError } from '../../protocol/errors.ts';
import type { Question } from '../../protocol/messages.ts';
import type {
  GradientRequest,
  HelpersGradient,
  PassMessage,
  PassReply,
  PassResponse,
  Port,
} from '../../protocol/passes.ts';
import type { SharedTensors } from '../../protocol/worker.ts';
import type { EncodedPrompt } from '../models/family.ts';
import type { Pass } from '../training/passes.ts';
import type { SharedUpdate, Sharing } from '../training/sharing.ts';
import type { TrainResponse } from '../training/train-group.ts';
import { share } from './versions.ts';

export interface SharingOptions {
  readonly port: Port;
  /** The weights that the step starts from, and the optimizer updates before it. */
  readonly start: { readonly weights: SharedTensors; readonly updates: number };
  /** Names the weights that the step ends with. */
  readonly id: string;
  readonly questionOf: (prompt: EncodedPrompt) => Question | undefined;
  readonly temperature: number;
}

export class PassSharing implements Sharing {
  readonly #options: SharingOptions;
  /** Weights of the newest offer, and the updates before it. */
  #newest: SharingOptions['start'];

  constructor(options: SharingOptions) {
    this.#options = options;
    this.#newest = options.start;
  }

  async offer({ passes, tokens, loss, updates, weights }: SharedUpdate): Promise<void> {
    const { id, questionOf, temperature } = this.#options;
    // All threads of the step have the same weights, and give them the same name.
    if (updates !== this.#newest.updates)
      this.#newest = { updates, weights: share(await weights(), undefined, `${id}:${updates}`) };
    const common = { loss: loss.name, temperature, tokens };
    // This thread begins with the first pass.
    const requests = passes.map((pass, at) => (at === 0 ? undefined : requestOf(pass, questionOf, common)));
    this.#send({ type: 'offer', weights: this.#newest.weights, requests });
  }

  async take(at: number): Promise<HelpersGradient | undefined> {
    return (await this.#ask({ type: 'take', at })).gradient;
  }

  async reject(at: number, why: string): Promise<never> {
    await this.#ask({ type: 'reject', at, why });
    throw new WrongGradientError(`a helper of the learner is out: ${why}`);
  }

  #send(message: PassMessage): void {
    this.#options.port.postMessage(message);
  }

  /** The main thread answers each question, even where the helpers do not, until it closes the port. */
  #ask(message: PassMessage): Promise<PassReply> {
    const { port } = this.#options;
    return new Promise((resolve, reject) => {
      const listening = new AbortController();
      const { signal } = listening;
      const settle = (how: () => void): void => {
        listening.abort();
        how();
      };
      const closed = (): void => reject(new CancelledError('the step was cancelled'));
      port.addEventListener('message', ({ data }) => settle(() => resolve(data as PassReply)), { signal });
      port.addEventListener('close', () => settle(closed), { signal });
      this.#send(message);
    });
  }
}

/** Undefined for a pass with a prompt that no question gave. */
function requestOf(
  { groups, promptLength, responseLength }: Pass<TrainResponse>,
  questionOf: SharingOptions['questionOf'],
  common: Pick<GradientRequest, 'loss' | 'temperature' | 'tokens'>,
): GradientRequest | undefined {
  const plain: GradientRequest['groups'][number][] = [];
  for (const { prompt, responses } of groups) {
    const question = questionOf(prompt);
    if (!question) return undefined;
    plain.push({ question, responses: responses.map(plainResponse) });
  }
  return { ...common, promptLength, responseLength, groups: plain };
}

function plainResponse({ tokens, weights, values, sampled }: TrainResponse): PassResponse {
  return {
    tokens: [...tokens],
    ...(weights && { weights: Array.from(weights) }),
    ...(values && {
      values: Object.fromEntries(Object.entries(values).map(([name, each]) => [name, Array.from(each)])),
    }),
    ...(sampled && { sampled: Array.from(sampled) }),
  };
}
