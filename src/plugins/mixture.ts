/**
 * Questions from several sources, drawn with weights. The run's seed decides the source of each sequence number; a
 * source counts its own questions from 0, so none of them is skipped, and a repeated request gets the same questions.
 */
import { join } from 'node:path';
import { API_VERSION, definePlugin, makeFolder, openPort, type Ask, type PortContext, type Question } from 'quorum';
import { z } from 'zod';
import folderWatcher from './folder-watcher.ts';
import intake from './intake.ts';
import jigsaw from './jigsaw.ts';
import { draw } from './shared/draw.ts';
import { partSchema, type Definition } from './shared/parts.ts';

const NAMED = ['data set', 'folder-watcher', 'intake', 'jigsaw'] as const;
const DEFINITIONS: Readonly<Record<Exclude<(typeof NAMED)[number], 'data set'>, unknown>> = {
  'folder-watcher': folderWatcher,
  intake,
  jigsaw,
};

const source = z.strictObject({
  use: partSchema(NAMED).describe(
    "Name of a built-in source, a definition, or 'data set': what asks without this plug-in.",
  ),
  weight: z.number().positive().default(1).describe('How often it is drawn, among the weights of all.'),
  options: z.unknown().optional().describe('Its own options.'),
});

export default definePlugin({
  name: 'mixture',
  apiVersion: API_VERSION,
  options: z.strictObject({
    sources: z
      .array(source)
      .min(1)
      .max(255)
      .describe(
        "`{use, weight, options}`: `use` is a built-in source by its name, `data set` for the run's own questions, or the result of definePlugin.",
      ),
  }),
  ports: {
    ask: async (context) => {
      const asks: Ask[] = [];
      for (const [i, { use, options }] of context.options.sources.entries()) {
        asks.push(
          use === 'data set'
            ? context.next
            : await openPort(
                (typeof use === 'string' ? DEFINITIONS[use] : use) as Definition,
                'ask',
                within(context, `source-${i}`),
                options,
              ),
        );
      }
      const turns = new Turns(
        context.seed,
        context.options.sources.map(({ weight }) => weight),
      );
      return async ({ from, count }, signal) => {
        const questions: Question[] = [];
        while (questions.length < count) {
          const { chosen, number } = turns.at(from + questions.length);
          const [question] = await asks[chosen]!({ from: number, count: 1 }, signal);
          if (!question) throw new Error(`source ${chosen} gave no question`);
          questions.push(question);
        }
        return questions;
      };
    },
  },
});

/** Which source each sequence number gets, and the how-manieth of that source it is. */
class Turns {
  readonly #seed: number;
  readonly #weights: readonly number[];
  readonly #total: number;
  /** Numbers below `#position` that each source got. */
  readonly #given: number[];
  #position = 0;

  constructor(seed: number, weights: readonly number[]) {
    this.#seed = seed;
    this.#weights = weights;
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#given = weights.map(() => 0);
  }

  at(sequence: number): { readonly chosen: number; readonly number: number } {
    while (this.#position < sequence) this.#given[this.#choose(this.#position++)]!++;
    while (this.#position > sequence) this.#given[this.#choose(--this.#position)]!--;
    const chosen = this.#choose(sequence);
    return { chosen, number: this.#given[chosen]! };
  }

  #choose(sequence: number): number {
    let rest = draw(this.#seed, sequence) * this.#total;
    const found = this.#weights.findIndex((weight) => (rest -= weight) < 0);
    // Rounding may leave the last one out.
    return found < 0 ? this.#weights.length - 1 : found;
  }
}

/** The same context with a folder of its own. */
function within(context: PortContext<unknown, 'ask'>, name: string): PortContext<unknown, 'ask'> {
  const folder = join(context.folder, name);
  makeFolder(folder);
  // Getters stay getters: `next` opens on first use.
  const own = { ...Object.getOwnPropertyDescriptors(context), folder: { value: folder, enumerable: true } };
  return Object.defineProperties({}, own) as PortContext<unknown, 'ask'>;
}
