import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunningModel } from '../../../src/compute/rollout/decoding.ts';
import type { Engine } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { generate, type GenerateOptions, type PromptRequest } from '../../../src/compute/rollout/generate.ts';
import { ladder } from '../../../src/compute/programs/batch.ts';
import { Scorer } from '../../../src/compute/training/score.ts';
import { tinyModel as model, tinyPrompt, tinyWeights } from '../../support/tiny-model.ts';

const weights = tinyWeights(2);
let cpu: RunningModel;
let reference: RunningModel;
beforeAll(async () => {
  const on = (engine: Engine): RunningModel => ({ engine, model, weights });
  cpu = on(await createEngine('cpu', { threads: 1 }));
  reference = on(await createEngine('reference', { threads: 1 }));
});

const requests = (count: number): PromptRequest[] =>
  Array.from({ length: count }, (_, q) => ({ id: `q${q}`, prompt: tinyPrompt(q, 3 + (q % 5), q % 2 === 0) }));

const options: GenerateOptions = {
  params: { samples: 5, temperature: 1, topP: 1, topK: 0, maxNewTokens: 12 },
  stopTokens: new Set([1, 2, 3]),
  seed: 9,
  version: 4,
  maxRows: 64,
};

describe('generate', () => {
  it('gives the same tokens however the questions are batched', async () => {
    const asked = requests(7);
    const whole = await generate(cpu, asked, options);
    const chunked = await generate(cpu, asked, { ...options, maxRows: 10 });
    const alone = [];
    for (const request of asked.toReversed()) alone.unshift(...(await generate(cpu, [request], options)));
    const tokens = (groups: typeof whole) => groups.map((group) => group.map((sample) => sample.tokens));
    expect(tokens(chunked)).toEqual(tokens(whole));
    expect(tokens(alone)).toEqual(tokens(whole));
    expect(tokens(await generate(reference, asked, options))).toEqual(tokens(whole));
  });

  it('depends on seed, version, question and sample', async () => {
    const tokens = async (changes: Partial<GenerateOptions>, id = 'q0') =>
      JSON.stringify(
        (await generate(cpu, [{ id, prompt: tinyPrompt(0, 3) }], { ...options, ...changes }))[0]!.map((s) => s.tokens),
      );
    const first = await tokens({});
    expect(await tokens({})).toBe(first);
    expect(
      new Set([first, await tokens({ seed: 10 }), await tokens({ version: 5 }), await tokens({}, 'q1')]).size,
    ).toBe(4);
    expect(new Set(JSON.parse(first).map((list: number[]) => list.join())).size).toBeGreaterThan(1);
  });

  it('reports the log-probabilities that a forward pass gives, and ends at stop tokens or the limit', async () => {
    const asked = requests(6);
    for (const temperature of [1, 0.7]) {
      const params = { ...options.params, temperature };
      const groups = await generate(cpu, asked, { ...options, params });
      const responses = groups.map((group) => group.map((sample) => sample.tokens));
      const scored = await new Scorer({ groups: 4 }).score(
        cpu,
        asked.map(({ prompt }, q) => ({ prompt, responses: responses[q]! })),
        temperature,
      );
      groups.forEach((group, q) =>
        group.forEach(({ tokens, logprobs, finish }, g) => {
          logprobs.forEach((logprob, t) => expect(logprob).toBeCloseTo(scored[q]![g]![t]!, 4));
          const stop = tokens.findIndex((token) => options.stopTokens.has(token));
          expect(tokens).toHaveLength(finish === 'stop' ? stop + 1 : 12);
          expect(stop === -1).toBe(finish === 'length');
        }),
      );
      expect(new Set(groups.flat().map((sample) => sample.finish))).toEqual(new Set(['stop', 'length']));
    }
  });

  it('is greedy at temperature 0: every token is the likeliest', async () => {
    const params = { ...options.params, samples: 1, temperature: 0 };
    const sample = (await generate(cpu, requests(1), { ...options, params })).flat()[0]!;
    const { prompt } = requests(1)[0]!;
    for (let t = 0; t < sample.tokens.length; t++) {
      const others = Array.from({ length: model.dimensions.vocabSize }, (_, token) => [
        ...sample.tokens.slice(0, t),
        token,
      ]);
      const scored = (await new Scorer({}).score(cpu, [{ prompt, responses: others }], 1))[0]!.map((list) => list[t]!);
      expect(scored.indexOf(Math.max(...scored))).toBe(sample.tokens[t]);
    }
  });

  it('stops between two steps once it is cancelled', async () => {
    let asked = 0;
    const cancelled = (): boolean => ++asked > 4;
    await expect(generate(cpu, requests(2), { ...options, stopTokens: new Set(), cancelled })).rejects.toMatchObject({
      name: 'CancelledError',
    });
    expect(asked).toBe(5);
  });
});

describe('ladder', () => {
  it('is the next size up, at most half as large again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (rows) => {
        const size = ladder(rows);
        expect(size).toBeGreaterThanOrEqual(rows);
        expect(size).toBeLessThanOrEqual(Math.max(8, 1.5 * rows));
        expect(ladder(size)).toBe(size);
      }),
      { seed: 1 },
    );
  });
});
