/** The recipe of models/ladder: its examples, its programs, and a short run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/compute/hf/safetensors.ts';
import { loadArchitecture } from '../../src/compute/models/folder.ts';
import { loadParams } from '../../src/compute/models/weights.ts';
import { askLike, readingPrompt } from '../../src/data/figures/ask.ts';
import { formatKey } from '../../src/data/figures/figure.ts';
import { openLadder } from '../../src/data/figures/ladder/dataset.ts';
import { FAMILY_NAMES, familyTexts, indexOf, rungAt } from '../../src/data/figures/ladder/table.ts';
import { initialWeights } from '../../src/pretrain/initialize.ts';
import { microBatches, type EncodedExample } from '../../src/pretrain/micro-batches.ts';
import { writeMini } from '../../src/pretrain/mini.ts';
import { pretrain } from '../../src/pretrain/pretrain.ts';
import type { Example } from '../../src/pretrain/recipe.ts';
import { FIGURES } from '../../src/pretrain/recipes/figures.ts';
import { LADDER } from '../../src/pretrain/recipes/ladder.ts';
import { startWeights } from '../../src/pretrain/start-weights.ts';
import { tokenizerConfig, tokenizerJson, vocabulary } from '../../src/pretrain/vocabulary.ts';
import type { HostTensor } from '../../src/protocol/tensor.ts';
import { temporaryFolder } from '../support/temporary.ts';

const [{ mixture }] = LADDER.stages as [(typeof LADDER.stages)[number]];
const examples = Array.from({ length: 12_000 }, (_, index) => LADDER.example(index, 1, mixture));
const EMBEDDING = 'model.embed_tokens.weight';
const TEXTS = FAMILY_NAMES.flatMap(familyTexts);
const READ = readingPrompt('');
const isReading = ({ prompt }: Example): boolean => prompt.startsWith(READ);
const isAnswer = ({ response }: Example): boolean => response.includes('\\boxed{');
const share = (of: readonly Example[], test: (example: Example) => boolean): number =>
  of.filter(test).length / of.length;
const levelOf = ({ figure }: Example): number => rungAt(figure.index).level;

describe('the examples', () => {
  it('are the same for the same seed, others for another, and no two have one picture', () => {
    expect(LADDER.example(17, 1, mixture)).toEqual(examples[17]);
    expect(LADDER.example(17, 2, mixture)).not.toEqual(examples[17]);
    expect(new Set(examples.map(({ figure }) => figure.index)).size).toBe(examples.length);
  });

  it('answer, read or request a question in the shares of the recipe', () => {
    const requests = examples.filter(({ response }) => response.endsWith('?'));
    expect(requests.length / examples.length).toBeCloseTo(mixture.ask, 1);
    expect(requests.every(({ response }) => TEXTS.includes(response))).toBe(true);
    expect(requests.some(({ prompt, response }) => prompt === askLike(response))).toBe(false);
    expect(
      examples.every((each) => [isReading(each), isAnswer(each), requests.includes(each)].filter(Boolean).length === 1),
    ).toBe(true);
    expect(share(examples.filter(isAnswer), ({ response }) => response.startsWith('\\boxed'))).toBeCloseTo(
      mixture.direct,
      1,
    );
  });

  it('answer what the data set says of the same picture', () => {
    const { labels } = openLadder({ pool: 'pretrain', pictures: 6000, seed: 1 });
    let answers = 0;
    for (const example of Array.from({ length: 100 }, (_, index) => LADDER.example(index, 1, mixture)).filter(
      isAnswer,
    )) {
      const label = labels.label(`figures/${formatKey(example.figure)}/ladder/${rungAt(example.figure.index).family}`);
      expect(example.response.endsWith(`\\boxed{${label}}`)).toBe(true);
      answers++;
    }
    expect(answers).toBeGreaterThan(5);
  });

  it('read at every level alike, and answer mostly at low ones, at each higher one more rarely', () => {
    const readings = examples.filter(isReading).map(levelOf);
    const answers = examples.filter(isAnswer).map(levelOf);
    for (let level = 1; level <= 12; level++)
      expect(readings.filter((each) => each === level).length / readings.length).toBeCloseTo(1 / 12, 1);
    const above = (level: number): number => answers.filter((each) => each > level).length;
    for (let level = 1; level <= 4; level++)
      expect(above(level) / above(level - 1)).toBeCloseTo(above(1) / answers.length, 1);
    expect(Math.max(...answers)).toBeGreaterThan(8);
  });

  it('have pictures that the loop never sees: of a pool of their own', () => {
    expect(examples.every(({ figure }) => figure.pool === 'pretrain' && figure.set === 'ladder')).toBe(true);
    expect(indexOf({ family: 'digits', level: 1 }, 0)).toBe(0);
    for (const index of [0, 7, 59, 60, 4321]) expect(indexOf(rungAt(index), Math.floor(index / 60))).toBe(index);
  });
});

describe('the tokenizer', () => {
  const tokenizer = new Tokenizer(tokenizerJson(LADDER.words.texts), tokenizerConfig());
  const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const unknown = encode('~')[0]!;

  it('knows every prompt and response, within the lengths of the recipe', () => {
    for (const text of [...TEXTS.map(askLike), ...examples.flatMap(({ prompt, response }) => [prompt, response])]) {
      const ids = encode(text);
      expect([text, ids.includes(unknown), ids.length < LADDER.words.maxNewTokens]).toEqual([text, false, true]);
      expect(tokenizer.decode(ids, { skip_special_tokens: false })).toBe(text);
    }
  });
});

describe('micro-batches', () => {
  const example = (prompt: number, response: number): EncodedExample => ({
    prompt: { ids: Array.from({ length: prompt }, () => 1) } as unknown as EncodedExample['prompt'],
    response: Array.from({ length: response }, () => 1),
  });
  const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 49 }), fc.integer({ min: 1, max: 132 })), {
    minLength: 1,
    maxLength: 40,
  });

  it('hold every example once, in programs that are long enough and of the sizes given', () => {
    fc.assert(
      fc.property(lengths, (pairs) => {
        const given = pairs.map(([prompt, response]) => example(prompt, response));
        const batches = microBatches(given, LADDER.sizes);
        expect(new Set(batches.flatMap(({ part }) => part))).toEqual(new Set(given));
        expect(batches.reduce((sum, { part }) => sum + part.length, 0)).toBe(given.length);
        for (const {
          part,
          lengths: { promptLength, responseLength },
        } of batches) {
          expect(part.length).toBeLessThanOrEqual(LADDER.sizes.examples!);
          expect(LADDER.sizes.promptLengths).toContain(promptLength);
          expect(LADDER.sizes.responseLengths).toContain(responseLength);
          expect(
            part.every(
              ({ prompt, response }) => prompt.ids.length <= promptLength && response.length <= responseLength,
            ),
          ).toBe(true);
        }
      }),
    );
  });

  it('refuse an example that no program holds', () => {
    expect(() => microBatches([example(40, 133)], LADDER.sizes)).toThrow(
      'an example has 133 tokens, the longest program 132',
    );
  });
});

describe('pretrain', { timeout: 180_000 }, () => {
  it('makes a folder that loads, whose card has accuracy by level and family', async () => {
    const folder = join(temporaryFolder(), 'ladder');
    const evaluation = { everySteps: 100, quickQuestions: 4, questions: 60, samples: 1 };
    const losses: number[] = [];
    const accuracy = await pretrain(
      { folder, data: 'ladder', seed: 3, threads: 2, steps: 12, batch: 24, evaluation },
      (progress) => {
        if (progress.type === 'step') losses.push(progress.loss);
      },
    );
    expect(losses).toHaveLength(12);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.2);
    expect(Object.keys(accuracy?.levels ?? {})).toEqual(Array.from({ length: 12 }, (_, i) => String(i + 1)));
    await loadParams(folder, await loadArchitecture(folder));
    const card = await readFile(join(folder, 'README.md'), 'utf8');
    expect(card).toContain('quorum pretrain --data ladder --seed 3 --steps 12');
    expect(card).toMatch(/^\| ladder\/hours( \| \d+){12} \|$/m);
  });
});

describe('the weights of step 0', () => {
  it('are those of models/mini, its words by name, and random for new words', async () => {
    const folder = join(temporaryFolder(), 'ladder');
    await writeMini(folder, LADDER.words);
    const { parameters } = await loadArchitecture(folder);
    const weights = await startWeights(LADDER, parameters, 3);
    const random = initialWeights(parameters, 3);
    const mini = await readSafetensors('models/mini/model.safetensors');
    const row = ({ data }: HostTensor, id: number): number[] => Array.from(data.slice(id * 128, (id + 1) * 128));
    const [ids, miniIds] = [vocabulary(LADDER.words.texts), vocabulary(FIGURES.words.texts)];
    for (const token of ['7', '+', ' \\boxed{', '<|im_end|>', ' discs'])
      expect(row(weights[EMBEDDING]!, ids[token]!)).toEqual(row(mini[EMBEDDING]!, miniIds[token]!));
    expect(row(weights[EMBEDDING]!, ids['Read']!)).toEqual(row(random[EMBEDDING]!, ids['Read']!));
    for (const [name, { shape }] of Object.entries(parameters)) {
      expect([name, weights[name]?.shape]).toEqual([name, shape]);
      if (name !== EMBEDDING)
        expect([name, weights[name]!.data.every((value, i) => value === mini[name]!.data[i])]).toEqual([name, true]);
    }
    expect(await startWeights(FIGURES, parameters, 3)).toEqual(random);
  });
});
