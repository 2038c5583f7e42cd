/**
 * Takes three learner steps on the built-in figures, and prints the accuracy on held-out questions before and after.
 *
 *     npx tsx examples/learn.ts models/mini runs/three-steps
 */
import { startLoop } from 'quorum';

const [model = 'models/mini', runFolder = 'runs/three-steps'] = process.argv.slice(2);

// The same daemon as `quorum start`: the folder can be continued by it, and each step is durable.
const loop = await startLoop({
  model,
  runFolder,
  seed: 1,
  sampling: { samples: 4 },
  loop: { steps: 3, batchGroups: 4, jobQuestions: 4, maxStaleness: 0 },
  evaluation: { questions: 8, fullQuestions: 8, k: 2 },
  guardian: { mode: 'off' },
});

const { end, steps, baseline, final, folder, error } = await loop.closed();
if (end === 'failed') throw new Error(error);

const percent = (share = Number.NaN) => `${(100 * share).toFixed(1)} %`;
console.log(
  `${steps} steps: accuracy ${percent(baseline?.greedy)} -> ${percent(final?.greedy)}; the model is in ${folder}`,
);
