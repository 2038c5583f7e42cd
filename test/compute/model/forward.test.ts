import { describe, expect, test } from 'vitest';
import { forwardProgram, planForward } from '../../../src/compute/model/forward.ts';
import { CASES, loadFixture, maxDifference } from './fixture.ts';
import { runEager } from './run.ts';

describe.each(CASES)('%s', (name) => {
  test('logits agree with transformers', async () => {
    const { config, params, prompts, padding, mask, length, expected } = await loadFixture(name);
    const plan = planForward(config, prompts, { length, padding });
    const { logits } = await runEager(forwardProgram(config, plan.shape), { ...params, ...plan.feeds });
    expect(logits!.shape).toEqual(expected.logits.shape);
    const worst = maxDifference(logits!.data, expected.logits.data, config.text.vocabSize, (row) => mask[row] === 1);
    console.log(name, worst);
    expect(worst).toBeLessThan(1e-4);
  });
});
