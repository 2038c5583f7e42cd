/** What ONNX Runtime and the allocators below it say where a run finds no memory. */
const SAID = /failed to allocate memory|bad_alloc|out of memory|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED/i;

/** Whether a run failed for want of memory, so that a smaller one may succeed. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && SAID.test(error.message);
}

/** Names what a user can change where a pass of `groups` groups is too large. */
export function smallerPasses(groups: number, smaller: number): string {
  return `the learner has no memory for passes of ${groups} groups: it repeats the step with ${smaller}, and keeps to that; \`learner.recompute\` true makes room for more`;
}
