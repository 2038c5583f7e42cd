/** A figure is a picture named by its key: the key alone redraws it, on any machine, and gives its scene. */
import { InputError } from '../../protocol/errors.ts';
import type { Picture } from '../../protocol/messages.ts';
import { Random } from '../rng.ts';
import { Canvas, STYLES, type Rendering } from './canvas.ts';
import { drawLadder, rungAt } from './ladder/table.ts';
import { drawScene, randomScene, SCENE_KINDS, type Scene, type SceneKind } from './scenes.ts';
import { tasksOf, type Task } from './tasks.ts';

/** `rendering/pool/seed/index`, after `ladder/` for the ladder. Pools with different names or seeds share no picture. */
export interface FigureKey {
  /** Default: the five kinds of scenes.ts. */
  readonly set?: 'ladder' | undefined;
  readonly rendering: Rendering;
  readonly pool: string;
  readonly seed: number;
  readonly index: number;
}

export function formatKey({ set, rendering, pool, seed, index }: FigureKey): string {
  return `${set === undefined ? '' : `${set}/`}${rendering}/${pool}/${seed}/${index}`;
}

/** @throws InputError for a key without a figure. */
export function parseKey(key: string): FigureKey {
  const match = /^(?:(ladder)\/)?([a-z]+)\/([a-z0-9-]+)\/(\d+)\/(\d+)$/.exec(key);
  if (!match || !Object.hasOwn(STYLES, match[2] as string)) {
    const renderings = Object.keys(STYLES).join(' | ');
    throw new InputError(
      `figure key ${JSON.stringify(key)} is not "rendering/pool/seed/index", or that after "ladder/", with rendering ${renderings}`,
    );
  }
  return {
    ...(match[1] !== undefined && { set: 'ladder' }),
    rendering: match[2] as Rendering,
    pool: match[3] as string,
    seed: Number(match[4]),
    index: Number(match[5]),
  };
}

/** Kinds take turns, so that any run of five pictures has one of each. */
export function kindAt(index: number): SceneKind {
  return SCENE_KINDS[index % SCENE_KINDS.length] ?? 'rectangle';
}

export function sceneOf(key: FigureKey): Scene {
  return randomScene(kindAt(key.index), new Random('scene', key.pool, key.seed, key.index));
}

export function drawFigure(key: FigureKey): Picture {
  const random = new Random('drawing', formatKey(key));
  const canvas = new Canvas(random, key.rendering);
  if (key.set === 'ladder') drawLadder(rungAt(key.index), ladderScene(key), canvas);
  else drawScene(sceneOf(key), canvas, random);
  return canvas.develop();
}

/** What the scene of a ladder picture is drawn from. */
export function ladderScene({ pool, seed, index }: FigureKey): Random {
  return new Random('ladder', pool, seed, index);
}

/** The picture's questions, one of each kind; phrasings are part of the key's randomness. */
export function figureTasks(key: FigureKey): Task[] {
  return tasksOf(sceneOf(key), new Random('tasks', key.pool, key.seed, key.index));
}
