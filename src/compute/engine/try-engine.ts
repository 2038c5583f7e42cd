/**
 * Entry of the child process that tries an engine: `node probe.js NAME`. A GPU driver that is missing or broken can
 * abort the process that asks for it, so only a child asks. Exits 0 after a right answer; otherwise the error's message
 * is on stderr.
 */
import * as tf from '@tensorflow/tfjs-core';
import { f32 } from '../../protocol/tensor.ts';
import type { EngineName, ProgramSpec } from './engine.ts';
import { createEngine } from './engines.ts';

const PROGRAM: ProgramSpec = {
  name: 'probe',
  inputs: { x: { dtype: 'float32', shape: [2, 2] } },
  build: ({ x }) => ({ y: tf.add(tf.matMul(x!, x!), 1) }),
};

try {
  await using engine = await createEngine(process.argv[2] as EngineName, { threads: 1 });
  const program = await engine.compile(PROGRAM);
  const { y } = await program.run({ x: f32([2, 2], [1, 2, 3, 4]) });
  const answer = [...(await engine.read(y!)).data].join();
  if (answer !== '8,11,16,23') throw new Error(`wrong answer to [[1, 2], [3, 4]]^2 + 1: ${answer}`);
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
