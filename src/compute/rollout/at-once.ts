/**
 * Runs each rollout as one graph, for engines that return every output to the host, as ONNX Runtime does on CUDA:
 * there, stepwise decoding would copy the caches over the bus at every step. A finished row costs compute until the
 * last row finishes.
 */
import type { HostTensor } from '../../protocol/tensor.ts';
import { ladder } from '../programs/batch.ts';
import { planRollout, rolloutProgram } from '../programs/rollout.ts';
import type { RunningModel } from './decoding.ts';
import { drawsOf } from './draws.ts';
import type { Generated, GenerateOptions, PromptRequest } from './generate.ts';
import { checkTokenParams } from './token-sampler.ts';

/** The largest number below 1 that a float32 holds. */
const BELOW_ONE = 1 - 2 ** -24;

/** Generates G samples of each prompt, in order. @throws RangeError when the model's output is not finite. */
export async function generateAtOnce(
  { engine, model, weights }: RunningModel,
  requests: readonly PromptRequest[],
  options: GenerateOptions,
): Promise<Generated[][]> {
  const { samples, maxNewTokens: newTokens } = options.params;
  checkTokenParams(options.params);
  const prompts = requests.map((request) => request.prompt);
  const { shape, feeds } = planRollout(model, {
    prompts,
    // Each length compiles a program that contains the whole model.
    promptLength: ladder(Math.max(...prompts.map((prompt) => prompt.ids.length))),
    samples,
    newTokens,
    params: options.params,
    stopTokens: [...options.stopTokens],
    uniforms: uniformsOf(requests, options),
  });
  const program = await engine.compile(rolloutProgram(model, shape));
  const { tokens, logprobs } = (await program.run({ ...weights, ...feeds })) as Record<string, HostTensor>;
  const rows = requests.length * samples;
  const column = ({ data }: HostTensor, row: number): number[] =>
    Array.from({ length: newTokens }, (_, t) => data[t * rows + row]!);
  return requests.map((_, q) =>
    Array.from({ length: samples }, (_sample, g) => {
      const row = q * samples + g;
      return response(column(tokens!, row), column(logprobs!, row), options.stopTokens);
    }),
  );
}

/** Returns the uniform numbers that draw the rows' tokens, [R, Q*G]; stepwise decoding uses the same ones. */
function uniformsOf(requests: readonly PromptRequest[], options: GenerateOptions): Float32Array {
  const { samples, maxNewTokens } = options.params;
  const rows = requests.length * samples;
  const uniforms = new Float32Array(maxNewTokens * rows);
  for (let row = 0; row < rows; row++) {
    const draws = drawsOf(options, requests[Math.floor(row / samples)]!.id, row % samples);
    for (let t = 0; t < maxNewTokens; t++) uniforms[t * rows + row] = Math.min(draws.float(), BELOW_ONE);
  }
  return uniforms;
}

function response(tokens: readonly number[], logprobs: readonly number[], stopTokens: ReadonlySet<number>): Generated {
  const stop = tokens.findIndex((token) => stopTokens.has(token));
  const length = stop === -1 ? tokens.length : stop + 1;
  const kept = logprobs.slice(0, length);
  if (kept.some((logprob) => !Number.isFinite(logprob)))
    throw new RangeError("a token's log-probability is not finite: the model's output is not finite");
  return { tokens: tokens.slice(0, length), logprobs: kept, finish: stop === -1 ? 'length' : 'stop' };
}
