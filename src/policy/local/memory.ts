/** What a run with this configuration takes of memory, asked one usual question: a picture and a line. */
import { loadPromptEncoder } from '../../compute/models/folder.ts';
import { withNetwork } from '../../compute/models/family.ts';
import type { Memory } from '../../compute/memory.ts';
import { grpo } from '../../compute/objectives/grpo.ts';
import { encodePrompt } from '../../compute/models/prompt.ts';
import type { Picture } from '../../protocol/messages.ts';
import { groupsAPass, type PolicyConfig } from './open.ts';

const SIDE = 448;
const PICTURE: Picture = { width: SIDE, height: SIDE, channels: 3, data: new Uint8Array(3 * SIDE * SIDE) };
const TEXT = 'Find the length of the side that is marked x.';

/** Loads TF.js. The objective hardly matters, so GRPO stands for each. @throws InputError for a model that cannot be read. */
export async function memoryOfRun(config: PolicyConfig): Promise<Memory> {
  const { memoryOf } = await import('../../compute/memory.ts');
  const { model: folder, promptTemplate, prompt, learner, sampling, loop } = config;
  const encoder = {
    ...(await loadPromptEncoder(folder)),
    template: promptTemplate,
    system: prompt.system ?? undefined,
  };
  const text = promptTemplate.replace('{question}', () => TEXT);
  const passGroups = groupsAPass(config);
  const { samples, maxNewTokens, temperature } = sampling;
  return memoryOf(await withNetwork(encoder.model), {
    adapter: learner.adapter.type === 'none' ? undefined : learner.adapter,
    loss: grpo.loss({ ...learner, objective: { type: 'grpo' }, temperature, maxNewTokens }),
    saving: learner.recompute ? { recompute: true } : {},
    prompt: encodePrompt(encoder, { text, pictures: encoder.model.vision ? [PICTURE] : [] }),
    samples,
    responseTokens: maxNewTokens,
    passGroups,
    rolloutRows: loop.jobQuestions * samples,
  });
}
