/** What a fleet asks of its servers; each kind of server has its own words for it. */
import type { Question, Sample, SampleRequest } from 'quorum';
import type { Server } from './servers.ts';

export interface Probe {
  readonly question: Question;
  /** The prompt as the chat template renders it. */
  readonly text: string;
  readonly turns: { readonly user: string; readonly system?: string };
  /** As data URLs. */
  readonly pictures: readonly string[];
  /** As the learner encodes it, pictures included. */
  readonly tokens: readonly number[];
}

export interface CheckedServer {
  /** The length of its context; undefined where the server does not say. */
  readonly maxTokens: number | undefined;
}

/** What a server has for a request. */
export interface Version {
  /** Name of the adapter; undefined where the weights of the whole model are in use. */
  readonly adapter: string | undefined;
  /** Id of the weights. */
  readonly weights: string;
}

export interface Completed {
  /** As the server counts the prompt, pictures included. */
  readonly promptTokens: readonly number[];
  readonly samples: readonly Omit<Sample, 'text'>[];
}

/** The server does not have the version that it was asked for: it may be a new process. */
export class LostVersionError extends Error {}

export interface Wire {
  /** As messages name it. */
  readonly kind: string;
  /** What to pass to a server in messages of the fleet. */
  readonly flags: {
    /** The length of the context. */
    readonly maxTokens: string;
    /** Scaling of pictures. */
    readonly pictures: string;
    readonly logprobs: string;
    /** Adapters that change the vision tower. */
    readonly tower: string;
  };
  /** @throws InputError when the server does not fit the run, with what to pass to it. */
  check(server: Server, probe: Probe | undefined, signal: AbortSignal): Promise<CheckedServer>;
  /** Draws `count` samples. @throws LostVersionError, InputError when the server refuses the question, PassingError */
  complete(
    server: Server,
    version: Version,
    probe: Probe,
    request: SampleRequest,
    count: number,
    signal: AbortSignal,
  ): Promise<Completed>;
  /** Log-probabilities of the most likely first tokens, of the base where no adapter is named. */
  likely(
    server: Server,
    adapter: string | undefined,
    probe: Probe,
    temperature: number,
    signal: AbortSignal,
  ): Promise<readonly number[]>;
  /** @throws SetupError when the server takes no adapters, or not this one. */
  loadAdapter(server: Server, name: string, path: string, signal: AbortSignal): Promise<void>;
  unloadAdapter(server: Server, name: string, signal: AbortSignal): Promise<void>;
  /** Adds to a folder with the weights of a version what the server needs besides. */
  complement?(folder: string): Promise<void>;
  /**
   * Makes the server compute with the weights in the folder, and with nothing of the weights before.
   * @param idleSeconds how long it may still compute requests that were cancelled
   * @throws SetupError when the server does not reload.
   */
  reload(server: Server, folder: string, weights: string, idleSeconds: number, signal: AbortSignal): Promise<void>;
}
