import { describe, expect, test } from 'vitest';
import { conditionOf, refuseUnmeasured, StopWhen } from '../../src/daemon/stop-when.ts';
import { listDataset } from '../../src/data/dataset.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { toyConfig, toyLabels } from '../support/rig.ts';
import { toyQuestions } from '../support/toy-policy.ts';

const parse = (stopWhen: string) => conditionOf(toyConfig({ loop: { stopWhen } }))!;
const learnt = (n: number) => ({ type: 'learnt', version: { n } }) as LoopEvent;
const evaluated = (version: number) => ({ type: 'evaluated', evaluation: { version } }) as LoopEvent;

/** A condition over metric rows by version. */
function stopWhen(
  text: string,
  rows: Record<number, Record<string, number>>,
  known = { learnt: 0, evaluated: null as number | null },
) {
  return new StopWhen(parse(text), { metricRow: (version) => rows[version] ?? {} }, known);
}

describe('StopWhen', () => {
  test('reads a step when it is learnt, an evaluation when it is measured, and accuracy is greedy', () => {
    const rows = { 3: { voteShare: 0.9, greedy: 0.8 } };
    const when = stopWhen('voteShare > 0.5 or accuracy >= 80%', rows);
    when.tell(learnt(3));
    expect(when.reason).toBe('voteShare > 0.5 (it is 0.9 at version 3)');
    const both = stopWhen('accuracy >= 80%', rows);
    both.tell(learnt(3));
    expect(both.reason).toBeUndefined(); // the evaluation of the version is not known yet
    both.tell(evaluated(3));
    expect(both.reason).toBe('accuracy >= 80% (it is 0.8 at version 3)');
  });

  test('keeps the newest reading: an older version that a user evaluates again changes nothing', () => {
    const when = stopWhen('greedy > 0.5', { 2: { greedy: 0.9 }, 6: { greedy: 0.4 } });
    when.tell(evaluated(6));
    when.tell(evaluated(2));
    expect(when.reason).toBeUndefined();
  });

  test('counts what earlier starts measured, and the version over all starts', () => {
    const known = { learnt: 7, evaluated: 5 };
    expect(stopWhen('greedy > 0.5', { 5: { greedy: 0.6 } }, known).reason).toContain('at version 5');
    expect(stopWhen('version >= 7', {}, known).reason).toBe('version >= 7 (it is 7 at version 7)');
    expect(stopWhen('version >= 8', {}, known).reason).toBeUndefined();
  });
});

test('a metric that no run has is refused with the names that there are', () => {
  expect(conditionOf(toyConfig())).toBeUndefined();
  expect(() => parse('accurracy > 0.5')).toThrow(/there is no metric "accurracy"; metrics are accuracy, version, /);
});

const NO_LABELS = { label: () => undefined };
const PLUGIN = { ports: { evaluate: () => () => Promise.reject(new Error('not asked')) } };
test.each([
  ['a guardian that is off', 'guardian.agreement < 0.5', {}, toyLabels, 4, 'guardian.mode is "off"'],
  [
    'labels that the guardian may not see',
    'guardian.canaryAccuracy < 0.5',
    { mode: 'watch' },
    toyLabels,
    4,
    'guardian.labelled is false',
  ],
  ['held-out questions without labels', 'accuracy > 0.5', {}, NO_LABELS, 4, 'no held-out question has an answer'],
  ['no held-out questions', 'accuracy > 0.5', {}, toyLabels, 0, 'no question is held out'],
  [
    'what shows without labels, where all have one',
    'heldOut.asBase < 0.5',
    {},
    toyLabels,
    4,
    'every held-out question has an answer',
  ],
  ['nothing', 'accuracy > 0.5', {}, toyLabels, 4, undefined],
  ['nothing', 'voteShare > 0.5', {}, NO_LABELS, 4, undefined],
] as const)('a condition that this run never measures is refused for %s', (_, text, guardian, labels, count, why) => {
  const config = toyConfig({ loop: { stopWhen: text }, guardian });
  const train = listDataset('train', toyQuestions(4));
  const data = { train, heldOut: listDataset('held-out', toyQuestions(count)), labels, trainLabels: labels };
  const check = (plugins: readonly unknown[]) => () => refuseUnmeasured(config, data, plugins as never);
  if (why === undefined) return expect(check([])).not.toThrow();
  expect(check([])).toThrow(why);
  if (!text.startsWith('guardian')) expect(check([PLUGIN])).not.toThrow(); // a plug-in may measure what it likes
});
