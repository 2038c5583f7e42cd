import { expect, test } from 'vitest';
import { refuseBlame, refuseReward } from '../../src/config/reward.ts';
import { configSchema, type ConfigInput } from '../../src/config/schema.ts';
import { InputError } from '../../src/protocol/errors.ts';

const refusal = (input: ConfigInput, plugin?: string) => () => refuseReward(configSchema.parse(input), plugin);
const reward = { mode: 'on' } as const;

test('rewarded questions need a model that writes them and an objective that follows advantages', () => {
  expect(refusal({})).not.toThrow();
  expect(refusal({ synthesis: { mode: 'direct', reward } })).not.toThrow();
  expect(refusal({ synthesis: { mode: 'both', reward }, learner: { objective: { type: 'gspo' } } })).not.toThrow();
  expect(refusal({ synthesis: { reward } })).toThrow(InputError);
  expect(refusal({ synthesis: { reward } })).toThrow(/synthesis\.mode is "off".*set it to direct/);
  expect(refusal({ synthesis: { mode: 'direct', reward }, learner: { objective: { type: 'sft' } } })).toThrow(
    /learner\.objective sft does not follow advantages: use .*grpo/,
  );
  expect(refusal({ synthesis: { mode: 'direct', reward } }, 'writer')).toThrow(
    /the plug-in writer writes the questions/,
  );
});

test('the prompts of a writing step fit into a learner step', () => {
  const with8 = (batchGroups: number) =>
    refusal({ synthesis: { mode: 'direct', reward: { ...reward, groups: 8 } }, loop: { batchGroups } });
  expect(with8(8)).not.toThrow();
  expect(with8(7)).toThrow(InputError);
  expect(with8(7)).toThrow(
    /^synthesis\.reward\.groups is 8, .* takes 7 groups \(loop\.batchGroups\): set it to at most 7, or raise/,
  );
  expect(refusal({ loop: { batchGroups: 4 } })).not.toThrow(); // groups is 8 by default; here it is not used
});

test('blame by step needs a check', () => {
  const byStep = configSchema.parse({ learner: { blame: 'step' } });
  expect(() => refuseBlame(byStep, true)).not.toThrow();
  expect(() => refuseBlame(configSchema.parse({}), false)).not.toThrow();
  expect(() => refuseBlame(byStep, false)).toThrow(InputError);
  expect(() => refuseBlame(byStep, false)).toThrow(/learner\.blame is "step".*`checks`, or set it to "response"/);
});
