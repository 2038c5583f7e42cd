/**
 * Reads the metrics of a run, whether or not its daemon runs, and prints them by version.
 *
 *     npx tsx examples/metrics.ts runs/three-steps
 */
import { openRun } from 'quorum';

const [folder = 'runs/default'] = process.argv.slice(2);
const run = await openRun(folder);
const rows = run.metrics();

// docs/operations.md lists the metrics. A version that was not evaluated has no accuracy.
const names = ['greedy', 'voteShare', 'entropy', 'kl'];
const written = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(3)).padStart(10);

console.log(['version', ...names].map((name) => name.padStart(10)).join(''));
for (const { version, values } of rows) {
  console.log(String(version).padStart(10) + names.map((name) => written(values[name])).join(''));
}

const best = rows.toSorted((a, b) => (b.values['greedy'] ?? -1) - (a.values['greedy'] ?? -1))[0];
if (best?.values['greedy'] !== undefined)
  console.log(`version ${best.version} is the most accurate: ${best.values['greedy']}`);
