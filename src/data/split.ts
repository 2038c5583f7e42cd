/**
 * Splits one data set into training and held-out parts that cannot leak into each other: all questions that share a
 * picture, directly or through other questions, fall on the same side. Pictures are equal when their content is, under
 * any file name. If there are so few pictures that one part could expect none, single questions are held out instead.
 */
import { InputError } from '../protocol/errors.ts';
import type { Question } from '../protocol/messages.ts';
import { pictureDigest, sha256 } from './content.ts';
import { listDataset, type Dataset } from './dataset.ts';

export interface Split {
  readonly train: Dataset;
  readonly heldout: Dataset;
  /** The unit of the split: all questions about a picture, or, when there are too few pictures, one question. */
  readonly by: 'picture' | 'question';
}

/**
 * The side depends only on pictures and seed, so adding questions to a data set moves none of the old ones unless they
 * join pictures, or make the pictures enough. A question with no picture is grouped by its text.
 * @param share expected part of the picture groups that is held out, in (0, 1)
 */
export async function splitByPicture(dataset: Dataset, share: number, seed = 0): Promise<Split> {
  if (!(share > 0 && share < 1)) throw new InputError(`held-out share ${share} must lie between 0 and 1`);
  const questions = Array.from({ length: dataset.size }, (_, i) => dataset.question(i));
  const groups = new Groups();
  const keys: string[] = [];
  for (const question of questions) {
    const own = await pictureKeys(question);
    for (const key of own) groups.join(own[0] as string, key);
    keys.push(own[0] as string);
  }
  const roots = keys.map((key) => groups.root(key));
  const by = new Set(roots).size * Math.min(share, 1 - share) >= 1 ? 'picture' : 'question';
  const units = by === 'picture' ? roots : questions.map(({ text }, i) => sha256(`question:${keys[i]}:${text}`));
  const isHeldout = units.map((unit) => unitHash(`${seed}:${unit}`) < share);
  const part = (side: string, isIn: (question: Question, i: number) => boolean): Dataset => ({
    ...listDataset(`${dataset.name}#${side}`, questions.filter(isIn)),
    ...(dataset.where && { where: (id) => dataset.where?.(id) }),
  });
  return {
    by,
    train: part('train', (_, i) => !isHeldout[i]),
    heldout: part('heldout', (_, i) => isHeldout[i] === true),
  };
}

/** Disjoint sets whose representative is the smallest member, so that it does not depend on the order of joins. */
class Groups {
  private readonly parent = new Map<string, string>();

  root(key: string): string {
    let at = key;
    for (let up = this.parent.get(at); up !== undefined; up = this.parent.get(at)) at = up;
    return at;
  }

  join(a: string, b: string): void {
    const [low, high] = [this.root(a), this.root(b)].toSorted() as [string, string];
    if (low !== high) this.parent.set(high, low);
  }
}

async function pictureKeys(question: Question): Promise<string[]> {
  if (question.pictures.length === 0) return [sha256(`text:${question.text}`)];
  return Promise.all(question.pictures.map(pictureDigest));
}

/** Uniform in [0, 1) from the first 48 bits of the hash. */
function unitHash(text: string): number {
  return Number.parseInt(sha256(text).slice(0, 12), 16) / 2 ** 48;
}
