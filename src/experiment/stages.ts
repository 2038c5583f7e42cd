/**
 * Kinds of pictures that arrive one after the other: a source of questions without a word of where one stage ends. The
 * loop sees a stream of questions.
 */
import type { ConfigInput } from '../config/schema.ts';
import { FAMILY_NAMES, type FamilyName } from '../data/figures/ladder/table.ts';
import { SCENE_KINDS, type SceneKind } from '../data/figures/scenes.ts';
import { Random } from '../data/rng.ts';
import type { BuiltIn } from '../data/settings.ts';
import { API_VERSION, definePlugin, type PluginDefinition, type RunQuestions } from '../plugin/define.ts';
import { InputError } from '../protocol/errors.ts';
import type { Question } from '../protocol/messages.ts';

/** Stages without `--stages`: this many. */
const USUAL = 4;

/** Names of the kinds of pictures that a data set has. */
export function stageNames(data: BuiltIn): readonly string[] {
  return data === 'ladder' ? FAMILY_NAMES : SCENE_KINDS;
}

/** @throws InputError for a stage that the data set does not have, for one twice, and for fewer than two. */
export function stagesOf(
  data: BuiltIn,
  names: readonly string[] = stageNames(data).slice(0, USUAL),
): readonly string[] {
  const known = stageNames(data);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new InputError(`--stages: ${data} has no ${JSON.stringify(unknown)}; it has ${known.join(', ')}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError(`--stages: ${twice} is named twice; name each stage once`);
  if (names.length < 2) throw new InputError('--stages: name at least two stages, such as digits,stacks');
  return names;
}

/** The data of a run over these stages: as many questions of each, for training and to measure. */
export function stageData(
  data: BuiltIn,
  stages: readonly string[],
  { train, heldOut }: { readonly train: number; readonly heldOut: number },
): ConfigInput['data'] {
  const counts = { trainQuestions: stages.length * train, heldOutQuestions: stages.length * heldOut };
  // `stagesOf` has checked the names.
  return data === 'ladder'
    ? { type: 'ladder', families: stages as FamilyName[], ...counts }
    : { type: 'figures', kinds: stages as SceneKind[], ...counts };
}

/** The stage of a question or an answer by its kind: `ladder/digits`, `rectangle/area`. */
export function stageOf({ kind = '' }: Pick<Question, 'kind'>, stages: readonly string[]): string | undefined {
  return kind.split('/').find((part) => stages.includes(part));
}

/** Asks `each` questions of the first stage, then of the second, and so on; each stage in an order of its own. */
export function stagePlugin(stages: readonly string[], each: number): PluginDefinition<undefined> {
  return definePlugin({
    name: 'stages',
    apiVersion: API_VERSION,
    ports: {
      ask: ({ questions, seed }) => {
        const orders = stages.map((stage) =>
          new Random(seed, 'stage', stage).shuffle(ofStage(questions, stages, stage)),
        );
        return ({ from, count }) =>
          Promise.resolve(Array.from({ length: count }, (_, i) => at(orders, from + i, each)));
      },
    },
  });
}

function ofStage(questions: RunQuestions, stages: readonly string[], stage: string): readonly Question[] {
  const all = Array.from({ length: questions.size }, (_, i) => questions.question(i));
  return all.filter((question) => stageOf(question, stages) === stage);
}

/** Past the end, which the loop may ask for before it stops, the last stage goes round again. */
function at(orders: readonly (readonly Question[])[], sequence: number, each: number): Question {
  const order = orders[Math.min(orders.length - 1, Math.floor(sequence / each))]!;
  return order[(sequence % each) % order.length]!;
}
