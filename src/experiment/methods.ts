/**
 * The methods that `quorum experiment` compares: those of MM-UPT (arXiv 2505.22453, table 1), and MM-UPT with checked
 * votes. Each is the loop itself with other settings, another reward or another sampler, so that base, data, workers,
 * optimizer and budget are the same. docs/methods describes each source and where a method deviates from it.
 */
import { CHECKED_VOTES } from '../config/preset.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { Labels } from '../data/dataset.ts';
import { judge, type Classifier, type JudgeOptions, type Reward } from '../learn/judge.ts';
import { labelReward, likelihoodReward } from '../learn/reward.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../plugin/define.ts';
import { corruptedPictures } from './corrupted.ts';

export interface MethodParts {
  readonly grader: Classifier;
  /** Answers of the training questions. */
  readonly labels: Labels;
}

export interface Method {
  readonly name: string;
  /** Whether it is taught with labels. */
  readonly labels: boolean;
  readonly config: ConfigInput;
  /** Takes the place of the vote as the judge. */
  readonly judge?: (parts: MethodParts) => PluginDefinition<undefined>;
  /** Takes the place of the sampler. */
  readonly sampler?: () => PluginDefinition<undefined>;
}

const KEEP_ALL = { dropAllAgree: false, dropNoBox: false, shareFloor: 0 } as const;
/**
 * Mean probability per token below which a response is not used as an answer (in place of Genixer's filter, which asks
 * another model).
 */
const GENIXER_CONFIDENCE = Math.log(0.8);

/** The paper's method with votes that check their work, and a curriculum: what `quorum start --data ladder` runs. */
export const CHECKED = 'mm-upt+checks';

export const METHODS: readonly Method[] = [
  { name: 'mm-upt', labels: false, config: {} },
  { name: CHECKED, labels: false, config: CHECKED_VOTES },
  { name: 'mm-upt+in-context', labels: false, config: { synthesis: { mode: 'in-context' } } },
  { name: 'mm-upt+direct', labels: false, config: { synthesis: { mode: 'direct' } } },
  {
    name: 'supervised-grpo',
    labels: true,
    config: {},
    judge: ({ grader, labels }) =>
      rewarding(
        'label',
        { ...KEEP_ALL, dropAllAgree: true },
        grader,
        labelReward((id) => labels.label(id), grader),
      ),
  },
  {
    name: 'sft',
    labels: true,
    config: { learner: { objective: { type: 'sft' } } },
    judge: ({ grader, labels }) =>
      rewarding(
        'label',
        KEEP_ALL,
        grader,
        labelReward((id) => labels.label(id), grader),
      ),
  },
  {
    name: 'lmsi',
    labels: false,
    config: { learner: { objective: { type: 'sft' } }, filters: { ...KEEP_ALL, dropNoBox: true } },
  },
  {
    name: 'srlm',
    labels: false,
    config: { learner: { objective: { type: 'dpo' } } },
    judge: ({ grader }) => rewarding('likelihood', { ...KEEP_ALL, dropAllAgree: true }, grader, likelihoodReward),
  },
  {
    name: 'genixer',
    labels: false,
    config: { synthesis: { mode: 'direct', share: 1 }, learner: { objective: { type: 'sft' } } },
    judge: ({ grader }) => rewarding('confident', KEEP_ALL, grader, firstConfident),
  },
  {
    name: 'stic',
    labels: false,
    config: { learner: { objective: { type: 'dpo', imitation: 1 } } },
    judge: ({ grader }) =>
      rewarding('clean-picture', KEEP_ALL, grader, ({ samples }) =>
        samples.map((_, i) => Number(i < samples.length / 2)),
      ),
    sampler: corruptedPictures,
  },
];

/**
 * The first response with an answer, if the model was sure of it: one question-answer pair for each generated question.
 */
const firstConfident: Reward = (group, answers) => {
  const confidence = likelihoodReward(group, answers) as readonly number[];
  const first = answers.findIndex((answer) => answer !== null);
  return answers.map((_, i) => Number(i === first && confidence[i]! >= GENIXER_CONFIDENCE));
};

function rewarding(
  name: string,
  filters: Omit<JudgeOptions, 'normaliseStd'>,
  grader: Classifier,
  reward: Reward,
): PluginDefinition<undefined> {
  return definePlugin({
    name: `reward-${name}`,
    apiVersion: API_VERSION,
    ports: { judge: () => (group) => judge(group, grader, { normaliseStd: true, ...filters }, reward) },
  });
}
