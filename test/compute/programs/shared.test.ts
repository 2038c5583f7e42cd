/** The programs of training and generation against the plain forward. */
import { describe, expect, test } from 'vitest';
import type { EncodedPrompt, Model } from '../../../src/compute/models/family.ts';
import { decodeFeeds, decodeProgram } from '../../../src/compute/programs/decode.ts';
import { forwardProgram, planForward } from '../../../src/compute/programs/forward.ts';
import { planPolicy, policyForward, policyName, policySpecs } from '../../../src/compute/programs/policy-forward.ts';
import { planPrefill, prefillProgram } from '../../../src/compute/programs/prefill.ts';
import type { ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { ENGINES, run, type Host, type Tested } from './engines.ts';
import { CASES, loadFixture, maxDifference } from './fixture.ts';

const RESPONSES = [[5, 6, 7, 8, 9], [11], [3, 80, 3, 20, 21, 22, 23, 24, 25]];

function extend(prompt: EncodedPrompt, tokens: readonly number[]): EncodedPrompt {
  const [n, size] = [prompt.ids.length, prompt.ids.length + tokens.length];
  const positions = Int32Array.from({ length: 3 * size }, (_, i) => {
    const [axis, at] = [Math.floor(i / size), i % size];
    return at < n ? prompt.positions[axis * n + at]! : prompt.nextPosition + at - n;
  });
  return { ...prompt, ids: [...Array.from(prompt.ids), ...tokens], positions };
}

/** Logits [tokens, V] that predict each response token, one sequence at a time. */
async function plain(model: Model, params: Host, prompt: EncodedPrompt, tokens: readonly number[]): Promise<number[]> {
  const plan = planForward(model, [extend(prompt, tokens)]);
  const { logits } = await run('cpu', forwardProgram(model, plan.shape), { ...params, ...plan.feeds });
  const vocab = model.dimensions.vocabSize;
  return Array.from(
    logits!.data.subarray((prompt.ids.length - 1) * vocab, (prompt.ids.length - 1 + tokens.length) * vocab),
  );
}

describe.each(CASES)('fixture %s', (name) => {
  test.each(ENGINES)('shared-prefix logits equal the plain forward on engine %s', async (engine) => {
    const { model, params, prompts } = await loadFixture(name);
    const plan = planPolicy(
      model,
      prompts,
      prompts.map((_, q) => RESPONSES.map((response) => response.map((id) => id + q))),
    );
    const spec: ProgramSpec = {
      name: `test:${policyName(plan.shape)}`,
      inputs: { ...model.parameters, ...policySpecs(model, plan.shape) },
      build: (inputs) => ({ logits: policyForward(model, inputs, inputs, plan.shape) }),
    };
    const { logits } = await run(engine, spec, { ...params, ...plan.feeds });
    const [vocab, length] = [model.dimensions.vocabSize, plan.shape.responseLength];
    let worst = 0;
    for (const [q, prompt] of prompts.entries()) {
      for (const [g, response] of RESPONSES.entries()) {
        const want = await plain(
          model,
          params,
          prompt,
          response.map((id) => id + q),
        );
        const start = (q * RESPONSES.length + g) * length * vocab;
        worst = Math.max(worst, maxDifference(logits!.data.slice(start, start + want.length), want, vocab));
      }
    }
    expect(worst).toBeLessThan(2e-5);
  });

  test.each(ENGINES)('prefill and decode equal the plain forward on engine %s', async (engine) => {
    const { model, params, prompts } = await loadFixture(name);
    expect(await worstStep(engine, model, params, prompts)).toBeLessThan(2e-5);
  });
});

/** Decodes the responses from the prefill's caches; returns the largest difference of any logit. */
async function worstStep(
  engine: Tested,
  model: Model,
  params: Host,
  prompts: readonly EncodedPrompt[],
): Promise<number> {
  let worst = 0;
  const samples = RESPONSES.length;
  const plan = planPrefill(model, prompts, { samples, newTokens: 9 });
  const { logits: first, ...presents } = await run(engine, prefillProgram(model, plan.shape), {
    ...params,
    ...plan.feeds,
  });
  const rows = prompts.length * samples;
  const caches = Object.fromEntries(
    Object.entries(presents).map(([key, value]) => [key.replace('present', 'past'), value]),
  );
  const vocab = model.dimensions.vocabSize;
  const wants = await Promise.all(
    Array.from({ length: rows }, (_, row) =>
      plain(model, params, prompts[Math.floor(row / samples)]!, RESPONSES[row % samples]!),
    ),
  );
  for (let row = 0; row < rows; row++) {
    const got = first!.data.slice(Math.floor(row / samples) * vocab, (Math.floor(row / samples) + 1) * vocab);
    worst = Math.max(worst, maxDifference([...got], wants[row]!.slice(0, vocab), vocab));
  }
  for (let t = 0; t < 8; t++) {
    const tokens = Array.from({ length: rows }, (_, row) => RESPONSES[row % samples]![t] ?? 0);
    const at = (base: readonly number[]) =>
      Array.from({ length: rows }, (_, row) => base[Math.floor(row / samples)]! + t);
    const step = decodeFeeds(model, { tokens, positions: at(plan.nextPositions), lengths: at(plan.lengths) });
    const program = decodeProgram(model, { rows, cacheLength: plan.shape.cacheLength });
    const { logits } = await run(engine, program, { ...params, ...caches, ...step });
    for (let row = 0; row < rows; row++) {
      if (t + 1 >= RESPONSES[row % samples]!.length) continue;
      const want = wants[row]!.slice((t + 1) * vocab, (t + 2) * vocab);
      worst = Math.max(worst, maxDifference(logits!.data.slice(row * vocab, (row + 1) * vocab), want, vocab));
    }
  }
  return worst;
}
