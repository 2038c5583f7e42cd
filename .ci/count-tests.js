// Prints `N passed, N failed` over these JSON reports of vitest. A file of tests that could not be loaded holds no
// tests and counts as one failure. Names the tests that failed, and those that
// failed once, with the first words of the reason: the output above is long.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, testResults: [] };
  }
}

const reports = process.argv.slice(2).map(read);
const sum = (count) => reports.reduce((total, report) => total + count(report), 0);
const broken = ({ testResults }) =>
  testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
const failed = sum((report) => report.numFailedTests + broken(report));
const words = (test) => `${test.fullName}: ${test.failureMessages[0]?.split('\n', 3).join(' ').slice(0, 500)}`;
for (const { testResults } of reports)
  for (const { name, status, assertionResults } of testResults) {
    const file = relative(process.cwd(), name);
    for (const test of assertionResults) {
      if (test.status === 'failed') console.log(`failed: ${file}: ${words(test)}`);
      else if (test.failureMessages.length > 0) console.log(`passed at the second try only: ${file}: ${words(test)}`);
    }
    if (status === 'failed' && assertionResults.length === 0) console.log(`not loaded: ${file}`);
  }
console.log(`${sum((report) => report.numPassedTests)} passed, ${failed} failed`);
