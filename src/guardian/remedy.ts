/**
 * What is done about a collapse: back to the last trusted version and on from there more carefully; after too many
 * tries, no further.
 */

/** Settings that learning continues with. */
export interface Mildness {
  readonly learningRate: number;
  readonly temperature: number;
  /** Groups below it are dropped, whatever `filters.shareFloor` says. */
  readonly shareFloor: number;
}

export interface RemedyOptions {
  /** Roll-backs before it gives up. */
  readonly maxTries: number;
  /** The learning rate is multiplied by it with each. */
  readonly rateFactor: number;
  /** The share floor is raised by it with each. */
  readonly floorRise: number;
}

export type Remedy =
  | { readonly type: 'restart'; readonly to: number; readonly attempt: number; readonly settings: Mildness }
  /** Learning stays paused, at version `to` where there is one. */
  | { readonly type: 'hold'; readonly to: number | null; readonly why: string };

/** A floor at which hardly any group is kept teaches nothing. */
const HIGHEST_FLOOR = 0.8;

/**
 * @param tries roll-backs so far that were not followed by a long time of health
 * @param trusted newest version on disk that was followed by health; null without one
 * @param before settings that the trusted version was learnt with
 * @param now settings at present
 */
export function remedy(
  tries: number,
  trusted: number | null,
  before: Mildness,
  now: Mildness,
  options: RemedyOptions,
): Remedy {
  if (trusted === null) return { type: 'hold', to: null, why: 'no version that can be trusted is on disk' };
  if (tries >= options.maxTries)
    return { type: 'hold', to: trusted, why: `${tries} restarts with milder settings did not help` };
  return {
    type: 'restart',
    to: trusted,
    attempt: tries + 1,
    settings: {
      learningRate: Math.min(before.learningRate, now.learningRate) * options.rateFactor,
      temperature: before.temperature,
      shareFloor: Math.max(now.shareFloor, Math.min(HIGHEST_FLOOR, now.shareFloor + options.floorRise)),
    },
  };
}
