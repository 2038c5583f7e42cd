/**
 * `npx tsx bench/answers.ts FILE.jsonl` grades pairs `{a, b, equal}` of answers, prints those whose grade differs from
 * `equal`, and exits with 1 if there are any.
 */
import { readFileSync } from 'node:fs';
import { equivalent } from '../src/learn/equivalence/index.ts';

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly equal: boolean;
  readonly kind: string;
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('name a file of pairs: npx tsx bench/answers.ts FILE.jsonl');
const pairs = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => JSON.parse(line) as Pair);
const wrong = pairs.filter(({ a, b, equal }) => equivalent(a, b) !== equal);
for (const { a, b, equal, kind } of wrong)
  console.log(`${equal ? 'should be equal  ' : 'should be different'}  ${kind}: ${a}  |  ${b}`);
console.log(
  `${pairs.length - wrong.length} of ${pairs.length} right, ${wrong.filter(({ equal }) => !equal).length} false merges`,
);
if (wrong.length > 0) process.exitCode = 1;
