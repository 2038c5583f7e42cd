/** The built-in data set: a finite, seeded pool of figures and their questions. */
import type { Picture, PictureRef, Question } from '../../protocol/messages.ts';
import { loadPicture } from '../picture.ts';
import type { Dataset, LabelledDataset } from '../dataset.ts';
import type { Rendering } from './canvas.ts';
import { InputError } from '../../protocol/errors.ts';
import { figureTasks, formatKey, kindAt, type FigureKey } from './figure.ts';
import { SCENE_KINDS, type SceneKind } from './scenes.ts';
import { Random } from '../rng.ts';

/** Pools share no picture with each other: training, held-out, pretraining and the suites' pictures cannot coincide. */
export type FigurePool = 'train' | 'heldout' | 'pretrain' | 'suite';

export interface FiguresOptions {
  readonly pool: FigurePool;
  readonly pictures: number;
  readonly seed?: number;
  readonly rendering?: Rendering;
  /** `all`: every kind of question a picture allows (2.6 on average). `one`: a random one of them. */
  readonly questions?: 'all' | 'one';
  /** Kinds of picture; default: all, in turns. */
  readonly kinds?: readonly SceneKind[];
}

/** The training set of `--data figures`: 4,096 pictures with all their questions. */
export const TRAIN_POOL: FiguresOptions = { pool: 'train', pictures: 4096, questions: 'all' };

/** The held-out set of `--data figures`: 1,000 pictures, one question each. */
export const HELDOUT_POOL: FiguresOptions = { pool: 'heldout', pictures: 1000, questions: 'one' };

/** The shifted suite: the same questions on pictures with more jitter and noise. */
export const HARD_POOL: FiguresOptions = { ...HELDOUT_POOL, rendering: 'hard' };

/** A question about a figure. */
export interface FigureEntry {
  /** Of the picture. */
  readonly key: string;
  readonly kind: string;
  readonly text: string;
  readonly answer: number;
  /** Difficulty, in a set that has levels. */
  readonly level?: number;
}

export function openFigures(options: FiguresOptions): LabelledDataset {
  return figureSet(`figures/${options.rendering ?? 'plain'}/${options.pool}`, listEntries(options));
}

/** @param name of the data set. */
export function figureSet(name: string, entries: readonly FigureEntry[]): LabelledDataset {
  const byId = new Map(entries.map((entry) => [idOf(entry), entry]));
  return {
    dataset: new Figures(name, entries),
    labels: {
      label(id) {
        const answer = byId.get(id)?.answer;
        return answer === undefined ? undefined : String(answer);
      },
      level: (id) => byId.get(id)?.level,
    },
  };
}

class Figures implements Dataset {
  readonly name: string;
  private readonly entries: readonly FigureEntry[];

  constructor(name: string, entries: readonly FigureEntry[]) {
    this.name = name;
    this.entries = entries;
  }

  get size(): number {
    return this.entries.length;
  }

  question(i: number): Question {
    const entry = this.entries[i];
    if (!entry) throw new RangeError(`question ${i} is outside 0..${this.size - 1}`);
    const { key, text, kind } = entry;
    return { id: idOf(entry), text, pictures: [{ type: 'figure', key }], origin: 'dataset', kind };
  }

  pictures(): readonly PictureRef[] {
    return [...new Set(this.entries.map(({ key }) => key))].map((key) => ({ type: 'figure', key }));
  }

  picture(ref: PictureRef): Promise<Picture> {
    return loadPicture(ref);
  }
}

function idOf({ key, kind }: FigureEntry): string {
  return `figures/${key}/${kind}`;
}

function listEntries(options: FiguresOptions): FigureEntry[] {
  const { pool, pictures, seed = 0, rendering = 'plain', questions = 'all', kinds = SCENE_KINDS } = options;
  const entries: FigureEntry[] = [];
  for (const index of indices(pictures, kinds)) {
    const figure: FigureKey = { rendering, pool, seed, index };
    const tasks = figureTasks(figure);
    const chosen = questions === 'all' ? tasks : [new Random('question', pool, seed, index).pick(tasks)];
    entries.push(...chosen.map(({ kind, text, answer }) => ({ key: formatKey(figure), kind, text, answer })));
  }
  return entries;
}

/** The first `count` pictures of these kinds. @throws InputError when there are no kinds. */
function* indices(count: number, kinds: readonly SceneKind[]): Generator<number> {
  if (kinds.length === 0)
    throw new InputError('figures of no kind: name at least one of rectangle, triangle, bars, grid, clock');
  for (let index = 0, found = 0; found < count; index++) {
    if (!kinds.includes(kindAt(index))) continue;
    found++;
    yield index;
  }
}
