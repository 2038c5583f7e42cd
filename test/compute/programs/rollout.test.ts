import { expect, test } from 'vitest';
import { bodiesOf } from '../../../src/compute/compile/graph.ts';
import { trace } from '../../../src/compute/compile/trace.ts';
import { cacheBytesPerRow, planRollout, rolloutProgram } from '../../../src/compute/programs/rollout.ts';
import { sizeOf } from '../../../src/protocol/tensor.ts';
import { tinyModel as model, tinyPrompt } from '../../support/tiny-model.ts';

test('the bytes of a row are those of the caches that the loop takes and gives', () => {
  const [samples, newTokens, prompts] = [3, 10, [tinyPrompt(1, 5), tinyPrompt(2, 8)]];
  const rows = prompts.length * samples;
  const params = { temperature: 1, topK: 0, topP: 1 };
  const request = { prompts, promptLength: 16, samples, newTokens, params, stopTokens: [1] };
  const { shape } = planRollout(model, { ...request, uniforms: new Float32Array(newTokens * rows) });
  const [body] = trace(rolloutProgram(model, shape)).nodes.flatMap(bodiesOf);
  const caches = [...body!.inputs, ...body!.outputs].filter((value) => value.shape.length === 4);
  const bytes = caches.reduce((sum, value) => sum + 4 * sizeOf(value.shape), 0);
  expect(cacheBytesPerRow(model.dimensions, shape.cacheLength)).toBe(bytes / rows);
});
