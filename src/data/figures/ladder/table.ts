/** The ladder's families, by name, and which of them and which level a picture is. */
import type { Random } from '../../rng.ts';
import type { Canvas } from '../canvas.ts';
import { chain } from './chain.ts';
import { digits } from './digits.ts';
import { LEVELS, type Family, type LadderQuestion } from './family.ts';
import { hours } from './hours.ts';
import { shapes, textsOf } from './shapes.ts';
import { stacks } from './stacks.ts';

const FAMILIES = { digits, stacks, shapes, hours, chain };

export type FamilyName = keyof typeof FAMILIES;
export const FAMILY_NAMES = Object.keys(FAMILIES) as readonly FamilyName[];

export interface Rung {
  readonly family: FamilyName;
  /** 1..LEVELS */
  readonly level: number;
}

/** Families take turns, then levels: 60 pictures in a row have each family at each level once. */
export function rungAt(index: number): Rung {
  const family = FAMILY_NAMES[index % FAMILY_NAMES.length]!;
  return { family, level: 1 + (Math.floor(index / FAMILY_NAMES.length) % LEVELS) };
}

/** The inverse of `rungAt`: a picture of this rung, another one for each `round`. */
export function indexOf({ family, level }: Rung, round: number): number {
  return FAMILY_NAMES.indexOf(family) + FAMILY_NAMES.length * (level - 1 + LEVELS * round);
}

/** A picture's scene is drawn from `random` first, so that the drawing and the question agree. */
export function drawLadder({ family, level }: Rung, random: Random, canvas: Canvas): void {
  // The table maps each name to a family of scenes of its own, which TypeScript cannot follow through the union.
  const { scene, draw } = FAMILIES[family] as Family<unknown>;
  draw(scene(level, random), canvas);
}

export function ladderQuestion({ family, level }: Rung, random: Random, wording: Random): LadderQuestion {
  const { scene, question, phrasings } = FAMILIES[family] as Family<unknown>;
  return question(scene(level, random), wording.pick(phrasings));
}

/** All texts that questions of a family can have. */
export function familyTexts(family: FamilyName): readonly string[] {
  return FAMILIES[family].phrasings.flatMap(textsOf);
}
