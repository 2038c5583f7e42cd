/**
 * The remedy for a collapse: roll back to the last trusted version and continue with milder settings; after too many
 * tries, pause.
 */

/** Settings for the steps after the roll-back. */
export interface Mildness {
  readonly learningRate: number;
  readonly temperature: number;
  /** Groups below it are dropped, even above `filters.shareFloor`. */
  readonly shareFloor: number;
}

export interface RemedyOptions {
  /** Roll-backs before it gives up. */
  readonly maxTries: number;
  /** Factor on the learning rate at each roll-back. */
  readonly rateFactor: number;
  /** Increase of the share floor at each roll-back. */
  readonly floorRise: number;
}

export type Remedy =
  | { readonly type: 'restart'; readonly to: number; readonly attempt: number; readonly settings: Mildness }
  /** Learning stays paused, at version `to` if there is one. */
  | { readonly type: 'hold'; readonly to: number | null; readonly why: string };

/** Maximum of the floor: above it hardly any group is kept. */
const HIGHEST_FLOOR = 0.8;

/**
 * @param tries roll-backs so far without a long healthy time after them @param trusted newest version on disk with
 * healthy steps after it; null without one @param before settings of the trusted version @param now present settings
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
