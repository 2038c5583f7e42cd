/** `definePlugin`, the only way to add an actor, built in or not. */
import type { Picture, PictureRef, Question } from '../protocol/messages.ts';
import type { ModelLimits, ModelText, PortName, Ports, WeightsRef } from '../protocol/ports.ts';
import type { StandardSchema } from './standard-schema.ts';

/** Changes when a port's type changes so that an old plug-in could misbehave. */
export const API_VERSION = 1;

/** The run's questions and pictures; no labels. */
export interface RunQuestions {
  readonly size: number;
  /** Question `i` of `0 ..< size`, always the same. */
  question(i: number): Question;
  /** Each picture once, in order of first appearance. */
  pictures(): readonly PictureRef[];
}

/**
 * What a port gets when its actor starts. In a worker thread (`thread: true`) `questions`, `label`, `weights` and
 * `next` throw when they are used.
 */
export interface PortContext<Options, Name extends PortName = PortName> {
  /** As parsed by the plug-in's schema; undefined without a schema. */
  readonly options: Options;
  /** Aborts when the actor is stopped or restarted. */
  readonly signal: AbortSignal;
  /** The run's seed: derive all randomness from it, so that a run can be repeated. */
  readonly seed: number;
  /** The plug-in's own folder inside the run folder, which exists. */
  readonly folder: string;
  /** Folder of the configuration: what a relative path in the options is relative to. */
  readonly base: string;
  readonly questions: RunQuestions;
  /** Absent when the run's policy does not know it. Used to check replies of a sampler. */
  readonly limits?: ModelLimits | undefined;
  /** @throws UnsupportedError when the run's policy has no model folder. Also for `prompt`. */
  readonly tokenizer: ModelText['tokenizer'];
  /** A question's prompt as the learner encodes it, as text and as token ids. */
  readonly prompt: ModelText['prompt'];
  /**
   * The weights of a version, for a sampler in another process. Ask for the version that a request names: it stays in
   * memory during that request. @throws RangeError when the version is gone.
   */
  weights(version: number): Promise<WeightsRef>;
  /** Decodes or redraws a picture. */
  picture(ref: PictureRef): Promise<Picture>;
  /**
   * Sorts answers into classes of equivalent ones, as the vote does: 0-based in order of first appearance, -1 for null.
   */
  classify(answers: readonly (string | null)[]): Promise<readonly number[]>;
  /**
   * The right answer, if the data set has one. @throws PermissionError unless the user listed the plug-in with `labels:
   * true`.
   */
  label(questionId: string): string | undefined;
  /** Writes a line to the event log and the status. Too many of them are counted instead. */
  tell(text: string): void;
  /**
   * Asks for the end of the run: the daemon finishes the step in hand, saves, reports the reason and exits with 0. The
   * first reason counts.
   */
  stop(reason: string): void;
  /** What does this port's work without the plug-in, for ports that one plug-in holds: to wrap it. */
  readonly next: Ports[Name];
}

/** Makes a port ready; called again at each restart of the actor. */
export type OpenPort<Name extends PortName, Options> = (
  context: PortContext<Options, Name>,
) => PortLike<Name> | Promise<PortLike<Name>>;

/** A question source may also be anything that can be iterated, such as an RxJS stream turned into one. */
export type PortLike<Name extends PortName> = Name extends 'ask'
  ? Ports['ask'] | AsyncIterable<Question> | Iterable<Question>
  : Ports[Name];

export interface PluginDefinition<Options> {
  /** As messages, `quorum status` and the log name it. */
  readonly name: string;
  /** The `API_VERSION` that it is written for. */
  readonly apiVersion: number;
  /** Checks the user's options; without it the plug-in takes none. Zod, or any other Standard Schema. */
  readonly options?: StandardSchema<Options>;
  readonly ports: { readonly [Name in PortName]?: OpenPort<Name, Options> };
}

/** Gives a plug-in its types; a plug-in's module has the result as its default export. */
export function definePlugin<Options = undefined>(definition: PluginDefinition<Options>): PluginDefinition<Options> {
  return definition;
}
