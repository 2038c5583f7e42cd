/** What `synthesis.reward` and `learner.blame` need of other settings. */
import { OBJECTIVES } from '../compute/objectives/registry.ts';
import { InputError } from '../protocol/errors.ts';
import type { Config } from './schema.ts';

/** @param plugin that writes questions in place of the policy, if one does. @throws InputError that names the fix. */
export function refuseReward(
  { synthesis, learner, loop }: Pick<Config, 'synthesis' | 'learner' | 'loop'>,
  plugin?: string,
): void {
  if (synthesis.reward.mode === 'off') return;
  const refuse = (why: string): never => {
    throw new InputError(`synthesis.reward.mode is "on", but ${why}, or set it to "off"`);
  };
  if (synthesis.mode === 'off')
    refuse('synthesis.mode is "off", so the model writes nothing: set it to direct, in-context or both');
  if (plugin !== undefined) refuse(`the plug-in ${plugin} writes the questions, not the model: remove it`);
  const { type } = learner.objective;
  const objective = OBJECTIVES.find(({ name }) => name === type);
  const others = OBJECTIVES.filter(({ followsAdvantages }) => followsAdvantages === true).map(({ name }) => name);
  if (objective !== undefined && objective.followsAdvantages !== true)
    refuse(`learner.objective ${type} does not follow advantages: use ${others.join(', ')}`);
  const { groups } = synthesis.reward;
  if (groups > loop.batchGroups)
    throw new InputError(
      `synthesis.reward.groups is ${groups}, but a learner step takes ${loop.batchGroups} groups (loop.batchGroups): set it to at most ${loop.batchGroups}, or raise loop.batchGroups`,
    );
}

/** @param hasCheck whether any check looks at responses. @throws InputError that names the fix. */
export function refuseBlame({ learner: { blame } }: Pick<Config, 'learner'>, hasCheck: boolean): void {
  if (blame === 'step' && !hasCheck)
    throw new InputError(
      'learner.blame is "step", but no check looks for the step that is false: name some in `checks`, or set it to "response"',
    );
}
