/** Every objective, one line each. */
export { cispo } from './cispo.ts';
export { dapo } from './dapo.ts';
export { dpo } from './dpo.ts';
export { drGrpo } from './dr-grpo.ts';
export { grpo } from './grpo.ts';
export { gspo } from './gspo.ts';
export { sft } from './sft.ts';
