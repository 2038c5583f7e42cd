/**
 * Defaults that fit the model. A preset supplies the settings that the configuration leaves out: `mini` is the schema's
 * own defaults and the model's own length of responses, `ladder` the settings that climb the built-in ladder, `vlm` those of
 * MM-UPT (arXiv 2505.22453) for a real vision-language model. Model and data decide the preset, once for a run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from '../compute/models/family.ts';
import { parseModel } from '../compute/models/index.ts';
import { entryKind } from '../lib/entry-kind.ts';
import { merged } from './merge.ts';
import { PROMPTS } from './prompts.ts';
import type { Config, ConfigInput, PresetName } from './schema.ts';

export interface Preset {
  readonly name: PresetName;
  /** The reason for this preset, as a sentence. */
  readonly why: string;
  readonly defaults: ConfigInput;
}

/**
 * From either a model gets `vlm`: a context with a picture and a question in one half and the working in the other, or
 * a vocabulary of a language.
 */
const VLM_CONTEXT = 4_096;
const VLM_VOCABULARY = 10_000;
const PAPER_TOKENS = 2_048;
/** Memory for the keys and values of the responses that a sampler decodes at once. */
const CACHE_BYTES = 4 * 2 ** 30;
const MOST_QUESTIONS = 16;
const FILES_WITH_TEMPLATE = ['chat_template.jinja', 'chat_template.json', 'tokenizer_config.json'];

export interface PresetRequest {
  /** Of the model. */
  readonly folder: string;
  /** `data.type` of the configuration. */
  readonly data?: Config['data']['type'];
  /** `preset` of the configuration, where that names one. */
  readonly named?: PresetName | 'auto' | undefined;
  /** The preset that the run started with; undefined for a new run. */
  readonly begun?: PresetName | undefined;
}

export function choosePreset({ folder, data, named, begun }: PresetRequest): Preset {
  const model = readModel(folder);
  const chosen = (name: PresetName, why: string): Preset => ({
    name,
    why,
    defaults: presetDefaults(name, model, folder),
  });
  if (named !== undefined && named !== 'auto') return chosen(named, '`preset` names it');
  if (begun === 'legacy' && named === undefined)
    return chosen(
      begun,
      'the run is from before presets existed and keeps its defaults; --set preset=auto changes to those of its model',
    );
  if (begun !== undefined && named === undefined) return chosen(begun, 'the run started with it');
  if (model === undefined) return chosen('mini', `no config.json of a model can be read in ${folder}`);
  const { maxPositions, vocabSize } = model.dimensions;
  if (maxPositions >= VLM_CONTEXT)
    return chosen('vlm', `the model's context of ${maxPositions} tokens is at least ${VLM_CONTEXT}`);
  if (vocabSize >= VLM_VOCABULARY)
    return chosen('vlm', `the model's vocabulary of ${vocabSize} tokens is at least ${VLM_VOCABULARY}`);
  if (data === 'ladder') return chosen('ladder', 'the data is the ladder, and the model is small');
  return chosen(
    'mini',
    `the model's context of ${maxPositions} tokens is under ${VLM_CONTEXT}, its vocabulary of ${vocabSize} under ${VLM_VOCABULARY}`,
  );
}

/** One line: the preset, its reason, and the effective values of the settings in which presets differ. */
export function presetWords(
  { name, why }: Pick<Preset, 'name' | 'why'>,
  { promptTemplate, sampling, loop, learner, checks, curriculum }: Config,
): string {
  const { learningRate, schedule, klCoefficient } = learner;
  const settings = [
    `prompt "${promptTemplate.replaceAll(/\s+/g, ' ')}"`,
    `up to ${sampling.maxNewTokens} tokens at temperature ${sampling.temperature}`,
    `${loop.batchGroups} questions a step`,
    `learning rate ${learningRate} (${schedule.type}), KL ${klCoefficient}`,
    ...(checks.length > 0 ? [`votes checked by ${checks.join(', ')}`] : []),
    ...(curriculum.mode === 'on' ? ['a curriculum'] : []),
  ];
  return `preset ${name} (${why}): ${settings.join(', ')}`;
}

/**
 * Votes whose work is checked are right at every level, so few of them are enough, and nothing has to hold the model near
 * its base.
 */
export const CHECKED_VOTES = {
  checks: ['equations', 'whole', 'premises'],
  curriculum: { mode: 'on' },
  filters: { shareFloor: 0.1 },
  learner: { klCoefficient: 0 },
} satisfies ConfigInput;

export const LADDER_RATE = 1e-4;

const LADDER: ConfigInput = merged(CHECKED_VOTES, {
  learner: { learningRate: LADDER_RATE },
  evaluation: { questions: 300 },
});

/** What the preset sets otherwise than the schema. Without a model: as for one with room for everything. */
export function presetDefaults(name: PresetName, model?: Architecture, folder?: string): ConfigInput {
  if (name === 'mini') return folder === undefined ? {} : responseLength(folder);
  if (name === 'ladder') return merged(LADDER, folder === undefined ? {} : responseLength(folder));
  if (name === 'legacy') return { learner: { schedule: { type: 'cosine', totalSteps: 60, floorShare: 0.1 } } };
  const maxNewTokens = model ? Math.min(PAPER_TOKENS, model.dimensions.maxPositions >> 1) : PAPER_TOKENS;
  const samples = 10;
  return {
    promptTemplate: folder !== undefined && templateAsksForBox(folder) ? '{question}' : PROMPTS['mm-upt'].template,
    sampling: { samples, temperature: 0.7, maxNewTokens },
    loop: { batchGroups: 128, jobQuestions: model ? questionsAtOnce(model, samples * maxNewTokens) : MOST_QUESTIONS },
    learner: { learningRate: 1e-6, betas: [0.9, 0.999], klCoefficient: 0.01, minibatches: 1 },
    filters: { shareFloor: 0 },
    synthesis: {
      maxNewTokens: 256,
      directPrompt:
        'Write one question about this picture whose answer can be worked out from the picture alone. Reply with the question only.',
      inContextPrompt:
        'Here is a question about this picture: {question}\nWrite another one whose answer can be worked out from the picture alone. Reply with the question only.',
    },
  };
}

/** The length that the folder's `generation_config.json` gives to responses, where it does. */
function responseLength(folder: string): ConfigInput {
  const settings = readJson(join(folder, 'generation_config.json')) as { readonly max_new_tokens?: unknown } | null;
  const given = settings?.max_new_tokens;
  return Number.isInteger(given) && Number(given) > 0 ? { sampling: { maxNewTokens: Number(given) } } : {};
}

/** @param tokens of one question's responses. */
function questionsAtOnce({ dimensions: { layers, kvHeads, headDim } }: Architecture, tokens: number): number {
  const bytes = layers * kvHeads * headDim * 2 * Float32Array.BYTES_PER_ELEMENT * tokens;
  return Math.min(MOST_QUESTIONS, Math.max(1, Math.floor(CACHE_BYTES / bytes)));
}

/** If the model's chat template asks for a box, the prompt does not ask again. */
function templateAsksForBox(folder: string): boolean {
  return FILES_WITH_TEMPLATE.some((name) => readText(join(folder, name))?.includes(String.raw`\boxed`) === true);
}

/** Undefined when it cannot be read: opening the model reports the error. */
function readModel(folder: string): Architecture | undefined {
  const file = join(folder, 'config.json');
  try {
    return parseModel(readJson(file), file);
  } catch {
    return undefined;
  }
}

/** Undefined when it is no file of JSON. */
export function readJson(file: string): unknown {
  const text = readText(file);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    if (entryKind(file) !== 'a file') return undefined; // to read a pipe has no end
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
