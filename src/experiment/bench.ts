/** What all runs of an experiment share: the base model, the suites, the settings and the answers of training questions. */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingFolder } from '../compute/hf/missing-folder.ts';
import { merged } from '../config/merge.ts';
import { choosePreset, LADDER_RATE } from '../config/preset.ts';
import { parseConfig } from '../config/load.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { LabelledDataset, Labels } from '../data/dataset.ts';
import { openFigures } from '../data/figures/dataset.ts';
import { openLadder } from '../data/figures/ladder/dataset.ts';
import type { FamilyName } from '../data/figures/ladder/table.ts';
import type { BuiltIn } from '../data/settings.ts';
import { HARD_DATA, suites as openSuites } from '../data/suites.ts';
import { InputError } from '../protocol/errors.ts';
import type { Common } from './cell.ts';

export interface Suite extends LabelledDataset {
  readonly name: string;
}

export interface Bench {
  readonly model: string;
  readonly folder: string;
  readonly common: Common;
  readonly suites: readonly Suite[];
  /** Held-out questions of the hard data; absent where the suites are of another kind. */
  readonly hardSuite?: Suite;
  /** Settings under each cell's own. */
  readonly config: ConfigInput;
  /** Answers of the training questions, for the supervised methods. */
  readonly labels: Labels;
}

export interface BenchOptions {
  /** Hugging Face folder that every run starts from. */
  readonly model: string;
  /** Where runs and reports go; what is there already is not run again. */
  readonly folder: string;
  /** Default: figures. */
  readonly data?: BuiltIn;
  /** Questions of each suite. */
  readonly suiteQuestions: number;
  /** Samples of each for maj@k and pass@k. */
  readonly k: number;
  /** Questions asked in each run. */
  readonly questions: number;
  /** Over the presets of the model. */
  readonly config: ConfigInput;
}

/** Every run is measured on the same questions. */
const SUITES_SEED = 0;
/** The training pool of `quorum start`. */
const TRAINED = 20_000;

/** @throws InputError for a bad model or setting. */
export async function openBench(options: BenchOptions): Promise<Bench> {
  const { model, folder, data = 'figures', questions, suiteQuestions, k, config } = options;
  const common = { model: await weightsDigest(model), questions, suiteQuestions, k };
  // Not the preset of the ladder, which checks votes: here that is a method.
  const preset = choosePreset({ folder: model }).defaults;
  // Figures are the default of the settings: without them written out, cells of older experiments keep their hash.
  const ladder: ConfigInput = { data: { type: 'ladder' }, learner: { learningRate: LADDER_RATE } };
  const settings = [preset, data === 'ladder' ? ladder : {}, config].reduce(merged);
  const parsed = parseConfig(settings, '--set');
  const opened =
    parsed.data.type === 'ladder'
      ? openLadderBench(suiteQuestions, parsed.data.families)
      : openFiguresBench(suiteQuestions);
  return { model, folder, common, config: settings, ...opened };
}

type Opened = Pick<Bench, 'suites' | 'hardSuite' | 'labels'>;

/** A suite for each family that is learnt, every level as often. */
function openLadderBench(pictures: number, families: readonly FamilyName[]): Opened {
  return {
    suites: families.map((family) => ({
      name: family,
      ...openLadder({ pool: 'suite', seed: SUITES_SEED, pictures, families: [family] }),
    })),
    labels: openLadder({ pool: 'train', pictures: TRAINED, families }).labels,
  };
}

/** Labels are those of the training pool, and of the hard data's. */
function openFiguresBench(pictures: number): Opened {
  const pool = { pool: 'train', pictures: TRAINED, seed: 0, questions: 'one' } as const;
  const { rendering, kinds } = HARD_DATA;
  const [plain, hard] = [openFigures(pool).labels, openFigures({ ...pool, rendering, kinds }).labels];
  const ofSuite = { pool: 'suite', seed: SUITES_SEED, pictures, questions: 'one', rendering, kinds } as const;
  return {
    suites: openSuites(SUITES_SEED, pictures),
    hardSuite: { name: 'hard data', ...openFigures(ofSuite) },
    labels: { label: (id) => plain.label(id) ?? hard.label(id) },
  };
}

/** @throws InputError when the folder has no weights. */
export async function weightsDigest(model: string): Promise<string> {
  const missing = missingFolder(model);
  if (missing !== undefined) throw new InputError(missing);
  const hash = createHash('sha256');
  const files = readdirSync(model).filter((name) => name.endsWith('.safetensors'));
  if (files.length === 0)
    throw new InputError(`${model} holds no .safetensors file: give a Hugging Face folder with --model`);
  for (const name of files.toSorted())
    for await (const chunk of createReadStream(join(model, name))) hash.update(chunk as Buffer);
  return hash.digest('hex').slice(0, 16);
}
