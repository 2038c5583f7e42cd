// Prints `N passed, N failed` over these JSON reports of vitest. A file of tests that could not be loaded holds no
// tests and counts as one failure.
import { readFileSync } from 'node:fs';

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
console.log(`${sum((report) => report.numPassedTests)} passed, ${failed} failed`);
