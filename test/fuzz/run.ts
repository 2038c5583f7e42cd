/**
 * Runs one target in a process of its own, so that a hang or a memory without bound ends this process and nothing else.
 * Arguments: target, seed, cases, seconds. Prints JSON: how many cases ran.
 */
import fc from 'fast-check';
import { TARGETS } from './targets.ts';

const [name, seed, cases, seconds] = process.argv.slice(2) as [string, string, string, string];
/** One case may take this long. */
const SLOWEST_MILLISECONDS = 2000;

const { cases: arbitrary, run } = await TARGETS[name]!();
let ran = 0;
const outcome = await fc.check(
  fc.asyncProperty(arbitrary, async (value) => {
    const begun = performance.now();
    await run(value as never);
    const milliseconds = performance.now() - begun;
    if (milliseconds > SLOWEST_MILLISECONDS) throw new Error(`a case took ${milliseconds.toFixed(0)} ms`);
    ran += 1;
  }),
  { seed: Number(seed), numRuns: Number(cases), plugins: [fc.interruptAfterTimeLimit(1000 * Number(seconds))] },
);
const failure = outcome.failed && !outcome.interrupted ? fc.defaultReportMessage(outcome) : null;
process.stdout.write(JSON.stringify({ ran, failure }));
