/** A learner whose passes helpers compute, with adapters, several threads and every objective. */
import { describe, expect, it } from 'vitest';
import { OBJECTIVES } from '../../../src/compute/objectives/registry.ts';
import type { ConfigInput } from '../../../src/config/schema.ts';
import { openForGradients } from '../../../src/policy/local/open.ts';
import { configOf, helpersOf, learnt, makeBatches } from '../../support/shared-passes.ts';

makeBatches();

describe('a learner with helpers takes the steps that it takes alone, to the bit', { timeout: 240_000 }, () => {
  const lora = { adapter: { type: 'lora', rank: 2 } } as const;
  const cases: [string, number, ConfigInput['learner']][] = [
    ['an adapter', 1, lora],
    ['an adapter of the vision tower too', 1, { adapter: { ...lora.adapter, vision: true } }],
    ['two threads', 2, {}],
    ['blocks that run twice', 1, { recompute: true }],
    ...OBJECTIVES.map(({ name }): [string, number, ConfigInput['learner']] => [
      name,
      1,
      { ...lora, objective: { type: name as 'grpo' } },
    ]),
  ];

  it.each(cases)('%s', async (_, threads, learner) => {
    const config = configOf(threads, learner);
    const alone = await learnt(config);
    await using gradients = await openForGradients(config);
    const { helpers, seen } = helpersOf(gradients, () => 'given');
    expect(await learnt(config, helpers)).toEqual(alone);
    expect(seen.given).toBeGreaterThan(0);
  });
});
