import { describe, expect, test } from 'vitest';
import { forwardProgram, planForward } from '../../../src/compute/programs/forward.ts';
import { ENGINES, run } from './engines.ts';
import { CASES, loadFixture, maxDifference } from './fixture.ts';

describe.each(CASES)('fixture %s', (name) => {
  test.each(ENGINES)('logits on engine %s agree with transformers', async (engine) => {
    const { model, params, prompts, padding, mask, length, expected } = await loadFixture(name);
    const plan = planForward(model, prompts, { length, padding });
    const { logits } = await run(engine, forwardProgram(model, plan.shape), { ...params, ...plan.feeds });
    expect(logits!.shape).toEqual(expected.logits.shape);
    const worst = maxDifference(
      logits!.data,
      expected.logits.data,
      model.dimensions.vocabSize,
      (row) => mask[row] === 1,
    );
    expect(worst).toBeLessThan(1e-4);
  });

  test('rotary positions are those of get_rope_index', async () => {
    const { prompts, mask, length, expected } = await loadFixture(name);
    const rows = prompts.length * length;
    const seen = prompts.map(() => 0);
    for (let row = 0; row < rows; row++) {
      if (mask[row] !== 1) continue;
      const b = Math.floor(row / length);
      const prompt = prompts[b]!;
      const at = seen[b]!++;
      for (let axis = 0; axis < 3; axis++) {
        expect(prompt.positions[axis * prompt.ids.length + at]).toBe(expected.positions.data[axis * rows + row]);
      }
    }
  });
});
