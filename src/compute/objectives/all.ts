/** Every objective, one line each. */
export { dpo } from './dpo.ts';
export { grpo } from './grpo.ts';
export { sft } from './sft.ts';
