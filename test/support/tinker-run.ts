/** A learner and a sampler on a Tinker API server, as the recorded session used them (test/fixtures/tinker). */
import { completeConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { PolicyOrigin } from '../../src/policy/policy.ts';
import { tinkerPolicy } from '../../src/policy/tinker/open.ts';
import type { Batch, JudgedGroup, Question, Sample } from '../../src/protocol/messages.ts';
import type { SampleRequest } from '../../src/protocol/ports.ts';

export const questions: readonly Question[] = [
  { id: 'q0', text: 'How large is 3+4?', pictures: [], origin: 'dataset' },
  { id: 'q1', text: 'How large is 5+2?', pictures: [], origin: 'dataset' },
];

export const params = { samples: 2, temperature: 1, topP: 1, topK: 0, maxNewTokens: 4 };
export const request = (version = 0): SampleRequest => ({ questions, params, seed: 0, version });

export function tinkerRun(url: string, settings: ConfigInput = {}, origin: PolicyOrigin = {}) {
  const { config } = completeConfig({
    model: 'models/mini',
    preset: 'mini',
    workers: { engine: 'tinker' },
    ...settings,
    tinker: { url, model: './tinyqwen3', backoffMilliseconds: 1, ...settings.tinker },
    learner: { adapter: { type: 'lora', rank: 1 }, learningRate: 1e-3, ...settings.learner },
    sampling: { samples: 2, maxNewTokens: 4, temperature: 1, ...settings.sampling },
    timeouts: { openSeconds: 300, ...settings.timeouts },
  });
  return tinkerPolicy(config, origin);
}

/** A batch of what was sampled, in which the first answer of each question won. */
export function batchOf(groups: readonly (readonly Sample[])[], { id = 0, parent = 0 } = {}): Batch {
  const judged = groups.map((samples, i): JudgedGroup => {
    const group = { id: `g${i}`, sequence: i, question: questions[i]!, policyVersion: parent, samples };
    const [answers, rewards] = [samples.map((_, n) => String(n)), samples.map((_, n) => Number(n === 0))];
    const advantages = samples.map((_, n) => (n === 0 ? 1 : -1));
    const verdict = {
      groupId: group.id,
      answers,
      classes: [0, 1],
      winner: 0,
      share: 0.5,
      rewards,
      advantages,
      kept: true,
    };
    return { group, verdict };
  });
  return { id, parent, groups: judged };
}
