/** Labelled examples for supervised pretraining: a figure, a prompt, and the response to imitate. */
import { Random } from '../data/rng.ts';
import { ASK_DIRECT, askLike } from '../data/figures/ask.ts';
import { figureTasks, type FigureKey } from '../data/figures/figure.ts';
import { response } from '../data/figures/tasks.ts';

export interface Example {
  readonly figure: FigureKey;
  readonly prompt: string;
  readonly response: string;
}

/** The mixture of the examples, as shares in [0, 1]. */
export interface Mixture {
  /** Share of answers that consist of the box alone, without working. */
  readonly direct: number;
  /** Share of examples that request a question; half of them show a seed question. */
  readonly ask: number;
}

/** Returns example number `index`; each example has its own picture, which no other example uses. */
export function exampleAt(index: number, seed: number, mixture: Mixture): Example {
  const figure: FigureKey = { rendering: 'plain', pool: 'pretrain', seed, index };
  const random = new Random('example', seed, index);
  const tasks = random.shuffle(figureTasks(figure));
  const [task, other = task] = tasks;
  if (!task || !other) throw new Error(`figure ${index} has no questions`);
  if (random.chance(mixture.ask)) {
    return {
      figure,
      prompt: random.chance(0.5) ? ASK_DIRECT : askLike(other.text),
      response: task.text,
    };
  }
  const working = random.chance(mixture.direct) ? null : random.pick(task.workings);
  return { figure, prompt: task.text, response: response(task, working) };
}
