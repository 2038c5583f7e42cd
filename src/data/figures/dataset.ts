/** The built-in data set: a finite, seeded pool of figures and their questions. */
import type { Picture, PictureRef, Question } from '../../protocol/messages.ts';
import { loadPicture } from '../picture.ts';
import type { Dataset, Label, LabelledDataset, Labels } from '../dataset.ts';
import type { Rendering } from './canvas.ts';
import { figureTasks, formatKey, type FigureKey } from './figure.ts';
import type { Task } from './tasks.ts';
import { Random } from '../rng.ts';

/** Pools share no picture with each other: training, held-out and pretraining pictures cannot coincide. */
export type FigurePool = 'train' | 'heldout' | 'pretrain';

export interface FiguresOptions {
  readonly pool: FigurePool;
  readonly pictures: number;
  readonly seed?: number;
  readonly rendering?: Rendering;
  /** `all`: every kind of question a picture allows (2.6 on average). `one`: a random one of them. */
  readonly questions?: 'all' | 'one';
}

/** What `quorum start` learns from: 4,096 pictures with all their questions. */
export const TRAIN_POOL: FiguresOptions = { pool: 'train', pictures: 4096, questions: 'all' };

/** What it is measured on: 1,000 pictures, one question each. */
export const HELDOUT_POOL: FiguresOptions = { pool: 'heldout', pictures: 1000, questions: 'one' };

/** The shifted suite: the same questions on pictures with more jitter and noise. */
export const HARD_POOL: FiguresOptions = { ...HELDOUT_POOL, rendering: 'hard' };

interface Entry {
  readonly key: string;
  readonly task: Task;
}

export function openFigures(options: FiguresOptions): LabelledDataset {
  const entries = listEntries(options);
  return { dataset: new Figures(options, entries), labels: new FigureLabels(entries) };
}

class Figures implements Dataset {
  readonly name: string;
  private readonly entries: readonly Entry[];

  constructor(options: FiguresOptions, entries: readonly Entry[]) {
    this.name = `figures/${options.rendering ?? 'plain'}/${options.pool}`;
    this.entries = entries;
  }

  get size(): number {
    return this.entries.length;
  }

  question(i: number): Question {
    const entry = this.entries[i];
    if (!entry) throw new RangeError(`question ${i} is outside 0..${this.size - 1}`);
    const { key, task } = entry;
    return {
      id: idOf(entry),
      text: task.text,
      pictures: [{ type: 'figure', key }],
      origin: 'dataset',
      kind: task.kind,
    };
  }

  pictures(): readonly PictureRef[] {
    return [...new Set(this.entries.map(({ key }) => key))].map((key) => ({ type: 'figure', key }));
  }

  picture(ref: PictureRef): Promise<Picture> {
    return loadPicture(ref);
  }
}

class FigureLabels implements Labels {
  private readonly answers: ReadonlyMap<string, Label>;

  constructor(entries: readonly Entry[]) {
    this.answers = new Map(entries.map((entry) => [idOf(entry), String(entry.task.answer)]));
  }

  label(questionId: string): Label | undefined {
    return this.answers.get(questionId);
  }
}

function idOf({ key, task }: Entry): string {
  return `figures/${key}/${task.kind}`;
}

function listEntries({ pool, pictures, seed = 0, rendering = 'plain', questions = 'all' }: FiguresOptions): Entry[] {
  return Array.from({ length: pictures }, (_, index): FigureKey => ({
    rendering,
    pool,
    seed,
    index,
  })).flatMap((figure) => {
    const tasks = figureTasks(figure);
    const chosen = questions === 'all' ? tasks : [new Random('question', pool, seed, figure.index).pick(tasks)];
    return chosen.map((task) => ({ key: formatKey(figure), task }));
  });
}
