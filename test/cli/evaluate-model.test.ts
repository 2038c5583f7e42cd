import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, describe, it } from 'vitest';
import { evaluator } from '../../src/roles/evaluator.ts';
import { evaluateModel } from '../../src/api/evaluate.ts';
import { packagePath } from '../../src/lib/package-path.ts';
import { accuracyTable, meanOf, suitesTable } from '../../src/cli/view/accuracy.ts';
import { configSchema } from '../../src/config/schema.ts';
import { exportFigures } from '../../src/data/export.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { openPaths } from '../../src/data/open.ts';
import { suiteOptions } from '../../src/data/suites.ts';
import { Grader } from '../../src/learn/grader.ts';
import type { SampleRequest } from '../../src/protocol/ports.ts';
import type { Accuracy } from '../../src/protocol/messages.ts';
import { png } from '../support/png.ts';
import { temporaryFolder } from '../support/temporary.ts';

const signal = new AbortController().signal;
const config = configSchema.parse({ model: packagePath('models/mini'), evaluation: { k: 2 } });

function jsonl(...rows: object[]): string {
  const file = join(temporaryFolder(), 'rows.jsonl');
  writeFileSync(file, rows.map((row) => JSON.stringify({ problem: 'What?', images: [], ...row })).join('\n'));
  return file;
}

describe('evaluateModel', () => {
  it('measures files and suites with one model, in the order asked for; a file and the suite that it was written from agree', async () => {
    const file = join(temporaryFolder(), 'clocks.parquet');
    await exportFigures(file, openFigures(suiteOptions('clocks', 0, 6)));
    const [own, suite, ...more] = await evaluateModel(config, { data: [file], suites: ['clocks'], n: 6 });
    expect([own?.data, suite?.data, more.length]).toEqual([file, 'clocks', 0]);
    expect(own?.accuracy).toMatchObject({ n: 6, k: 2 });
    expect(own?.accuracy.greedy).toBe(suite?.accuracy.greedy);
    expect(own?.accuracy.byKind).toEqual(suite?.accuracy.byKind);
  }, 120_000);

  it('leaves out a row with a truncated picture or one too long for the context, and names it with the reason', async () => {
    const folder = temporaryFolder();
    const picture = await png();
    const line = await sharp({ create: { width: 801, height: 4, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const files = { 'good.png': picture, 'cut.png': picture.subarray(0, picture.length / 2), 'line.png': line };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const rows = [['good'], ['cut'], ['line'], ['good', 'much '.repeat(5_000)], ['good']];
    const file = join(folder, 'rows.jsonl');
    writeFileSync(
      file,
      rows
        .map(([name, problem = 'How many?']) => JSON.stringify({ problem, images: [`${name}.png`], answer: '1' }))
        .join('\n'),
    );
    const [measured] = await evaluateModel(config, { data: [file] });
    expect(measured?.accuracy.n).toBe(2);
    const why = measured!.refused.map(({ reason }) => /rows\.jsonl:(\d): ./.exec(reason)?.[1]);
    expect(new Set(why)).toEqual(new Set(['2', '3', '4']));
  }, 120_000);

  it('says which column it needs when no question has an answer, and names a data set that is empty', async () => {
    const unlabelled = jsonl({}, {});
    await expect(evaluateModel(config, { data: [unlabelled] })).rejects.toThrow(
      /rows\.jsonl: no question has an answer to compare with; a column `answer`, `ground_truth` or `solution` is needed/,
    );
    await expect(evaluateModel(config, { data: [jsonl()] })).rejects.toThrow(/rows\.jsonl: holds no questions/);
    const all = {
      ...config,
      data: configSchema.parse({ data: { type: 'jsonl', trainFile: unlabelled, heldOutShare: 0 } }).data,
    };
    await expect(evaluateModel(all, {})).rejects.toThrow(
      /rows\.jsonl: no question of it is held out, as `data.heldOutShare` is 0; name/,
    );
    await expect(evaluateModel(config, { data: [unlabelled], columns: { answer: 'truth' } })).rejects.toThrow(
      /has no column "truth"/,
    );
  });
});

/** Which of `answers` are right, each said to a row of its own. */
async function rightOf(answers: readonly string[], row: object): Promise<string[]> {
  const { dataset, labels } = await openPaths([jsonl(...answers.map((said) => ({ ...row, kind: said })))]);
  const sample = ({ questions, params }: SampleRequest) => ({
    groups: questions.map(({ kind }) =>
      Array.from({ length: params.samples }, () => ({
        tokens: [],
        logprobs: [],
        text: `\\boxed{\\text{${kind}}}`,
        finish: 'stop' as const,
      })),
    ),
    promptTokens: 0,
    newTokens: 0,
    seconds: 0,
  });
  await using grader = new Grader({ deadlineSeconds: 5 });
  const sampler = { sample: (request: SampleRequest) => Promise.resolve(sample(request)) };
  const { full } = await evaluator({ sampler, heldOut: dataset, labels, grader, config })(
    { version: 0, full: true },
    signal,
  );
  return Object.entries(full!.byKind).flatMap(([said, { greedy }]) => (greedy === 1 ? [said] : []));
}

describe('multiple choice', () => {
  it('is right by letter or by the text of the choice, and wrong by anything else', async () => {
    const answers = ['B', '(b)', 'the square', 'B. the square', 'A', 'the disc', 'C'];
    const right = await rightOf(answers, { choices: ['the disc', 'the square'], answer: 'B' });
    expect(right.toSorted()).toEqual(['(b)', 'B', 'B. the square', 'the square']);
  });
});

describe('answers with a precision', () => {
  it('are rounded to it before they are compared', async () => {
    const answers = ['1.2', '1.23', '1.16', '1.26', '1.1', '6/5', 'about'];
    expect((await rightOf(answers, { answer: '1.2', precision: 1 })).toSorted()).toEqual([
      '1.16',
      '1.2',
      '1.23',
      '6/5',
    ]);
    expect((await rightOf(answers, { answer: '1.2' })).toSorted()).toEqual(['1.2', '6/5']);
    await expect(rightOf(['1'], { answer: '1', precision: 'two' })).rejects.toThrow(
      /precision: expected a whole number from 0 to 15, found "two"/,
    );
  });
});

describe('the tables', () => {
  const accuracy = (greedy: number, byKind: Accuracy['byKind']): Accuracy => ({
    n: 4,
    k: 10,
    greedy,
    pass1: 0.5,
    majK: 0.75,
    passK: 1,
    byKind,
  });
  const one = accuracy(0.5, { 'a/long-kind': { n: 4, greedy: 0.5 } });
  const two = accuracy(1, { b: { n: 2, greedy: 1 }, c: { n: 2, greedy: 1 } });

  it('show one data set by measure and by kind', () => {
    expect(accuracyTable(one).join('\n')).toMatch(
      /greedy +50\.0 %\npass@1 +50\.0 %\nmaj@10 +75\.0 %\npass@10 +100\.0 %[\s\S]*a\/long-kind +50\.0 % +4/,
    );
  });

  it('show several with their mean, in columns', () => {
    const lines = suitesTable([
      { data: 'x', accuracy: one },
      { data: 'y', accuracy: two },
    ]);
    expect(lines.slice(1, 4).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ['x', '50.0 %'],
      ['y', '100.0 %'],
      [expect.stringContaining('mean'), '75.0 %'],
    ]);
    expect(lines.filter((line) => /^(b|c) /.test(line))).toHaveLength(2);
    expect(meanOf([one, two])).toEqual({ greedy: 0.75, pass1: 0.5, majK: 0.75, passK: 1 });
  });
});
