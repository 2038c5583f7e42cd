/** Prompts by name: the text of a question, and the system turn before it. */
import type { ConfigInput } from './schema.ts';

interface Prompt {
  readonly template: string;
  /** Null: what the model's chat template says of itself. */
  readonly system: string | null;
}

export const PROMPTS = {
  /** arXiv 2505.22453, as its authors publish it (waltonfuture/MM-UPT, README.md). */
  'mm-upt': {
    template: String.raw`{question} Please reason step by step, and put your final answer within \boxed{}.`,
    system: 'You are a helpful assistant.',
  },
  /** `math.jinja` of EasyR1 (hiyouga/EasyR1), which MM-UPT is built on. */
  easyr1: {
    template:
      '{question} You FIRST think about the reasoning process as an internal monologue and then provide the final answer. ' +
      String.raw`The reasoning process MUST BE enclosed within <think> </think> tags. The final answer MUST BE put in \boxed{}.`,
    system: null,
  },
} as const satisfies Readonly<Record<string, Prompt>>;

export type PromptName = keyof typeof PROMPTS;
export const PROMPT_NAMES = Object.keys(PROMPTS) as PromptName[];

/** The settings that a prompt by name stands for. */
export function promptDefaults(name: PromptName | null | undefined): ConfigInput {
  if (name === undefined || name === null) return {};
  const { template, system } = PROMPTS[name];
  return { promptTemplate: template, prompt: { system } };
}
