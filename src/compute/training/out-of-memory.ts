/** Messages of ONNX Runtime and of its allocators when a run finds no memory. */
const SAID = /failed to allocate memory|bad_alloc|out of memory|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED/i;

/** Whether a run failed because it found no memory, so that a smaller run may succeed. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && SAID.test(error.message);
}

/** Names the settings that a user can change when a pass of `groups` groups is too large. */
export function smallerPasses(groups: number, smaller: number): string {
  return `the learner has no memory for passes of ${groups} groups: it repeats the step with ${smaller}, and keeps to that; \`learner.recompute\` true makes room for more`;
}
