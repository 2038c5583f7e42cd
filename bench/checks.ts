/**
 * `npx tsx bench/checks.ts` measures the checks of a response's own work: their speed; what they find of right responses
 * to questions of the ladder and of ones with a fault put in; and, with `--model FOLDER`, what they find of a model's own
 * responses, by level. Labels only say here which responses are right. Samples are kept in `--out` and used again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseConfig } from '../src/config/load.ts';
import { readingPrompt } from '../src/data/figures/ask.ts';
import type { FigurePool } from '../src/data/figures/dataset.ts';
import { ladderScene } from '../src/data/figures/figure.ts';
import { openLadder } from '../src/data/figures/ladder/dataset.ts';
import { ladderQuestion, rungAt } from '../src/data/figures/ladder/table.ts';
import { Random } from '../src/data/rng.ts';
import { extractAnswer } from '../src/learn/answer.ts';
import { checkEquations } from '../src/learn/checks/equations.ts';
import { checkPremises } from '../src/learn/checks/premises.ts';
import { checkViews } from '../src/learn/checks/views.ts';
import { checkWhole } from '../src/learn/checks/whole.ts';
import { majorityVote } from '../src/learn/vote.ts';
import { makeFolder } from '../src/lib/make-folder.ts';
import { packagePath } from '../src/lib/package-path.ts';
import { openForSampling } from '../src/policy/local/open.ts';
import type { CheckFinding, Question } from '../src/protocol/messages.ts';
import { FAULTS, faultyResponse, rightResponse } from '../test/support/ladder-faults.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    questions: { type: 'string', default: '300' },
    samples: { type: 'string', default: '16' },
    /** Readings of a picture, and answers at changed pictures. */
    further: { type: 'string', default: '4' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string', default: packagePath('runs/checks.json') },
  },
});
const [questions, samples, further, seed] = [values.questions, values.samples, values.further, values.seed].map(
  Number,
) as [number, number, number, number];

/** Pictures that no run learns from or is measured on. */
const POOL = 'test' as FigurePool;

const CHECKS = ['equations', 'whole', 'premises', 'views'] as const;
type Check = (typeof CHECKS)[number];
type Findings = Readonly<Record<Check, readonly CheckFinding[]>>;

/** Alone, in pairs, all. */
const SETS: readonly (readonly Check[])[] = [
  ...CHECKS.map((check) => [check]),
  ...CHECKS.flatMap((check, i) => CHECKS.slice(i + 1).map((other) => [check, other])),
  ['equations', 'whole', 'premises'],
  CHECKS,
];

interface Group {
  readonly responses: readonly string[];
  readonly readings: readonly string[];
  /** Answers at changed pictures. */
  readonly views: readonly (string | null)[];
}

function findingsOf({ responses, readings, views }: Group): Findings {
  const answers = responses.map(extractAnswer);
  const classes = classesOf([...answers, ...views]);
  return {
    equations: responses.map(checkEquations),
    whole: checkWhole(responses),
    premises: responses.map((response) => checkPremises(response, readings)),
    views: answers.map((_, i) => checkViews(classes[i]!, classes.slice(answers.length), 0.5)),
  };
}

/** Answers of the ladder are whole numbers: equal ones are spelt alike. */
function classesOf(answers: readonly (string | null)[]): number[] {
  const seen = [...new Set(answers.filter((answer) => answer !== null))];
  return answers.map((answer) => (answer === null ? -1 : seen.indexOf(answer)));
}

const isDenied = (findings: Findings, checks: readonly Check[], i: number): boolean =>
  checks.some((check) => findings[check][i]?.vote === false);

const percent = (n: number, of: number): string => (of === 0 ? '–' : ((100 * n) / of).toFixed(1));

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
  console.log();
}

/** Half of each group is right, half has the fault; readings are right. */
function injected(): void {
  const rows = ['none', ...FAULTS].map((fault) => {
    const denied = SETS.map(() => 0);
    let total = 0;
    for (let index = 0; index < questions; index++) {
      const question = ladderQuestion(
        rungAt(index),
        ladderScene({ rendering: 'plain', set: 'ladder', pool: POOL, seed, index }),
        new Random('words', seed, index),
      );
      const right = rightResponse(question);
      const made = FAULTS.find((name) => name === fault);
      const faulty = made ? faultyResponse(question, made, new Random('fault', seed, index)) : right;
      if (faulty === null) continue;
      total++;
      const responses = [faulty, faulty, faulty, faulty, right, right, right, right];
      const findings = findingsOf({ responses, readings: [question.reading], views: [] });
      SETS.forEach((checks, i) => (denied[i]! += Number(isDenied(findings, checks, 0))));
    }
    return [fault, String(total), ...denied.map((n) => percent(n, total))];
  });
  console.log('Share of responses that lose their vote, in per cent, by fault:\n');
  const shown = SETS.flatMap((checks, i) => (checks.includes('views') ? [] : [i]));
  printTable(
    ['fault', 'responses', ...shown.map((i) => SETS[i]!.join(' + '))],
    rows.map(([fault = '', total = '', ...cells]) => [fault, total, ...shown.map((i) => cells[i]!)]),
  );
}

function speed(): void {
  const groups = Array.from({ length: 10 }, (_, group) =>
    Array.from({ length: 16 }, (_, i) => {
      const index = 60 * (16 * group + i) + 55 + (group % 5);
      const key = { rendering: 'plain', set: 'ladder', pool: POOL, seed, index } as const;
      return rightResponse(ladderQuestion(rungAt(index), ladderScene(key), new Random(index)));
    }),
  );
  const time = (work: () => void): number => {
    const times = Array.from({ length: 60 }, () => {
      const started = performance.now();
      work();
      return performance.now() - started;
    });
    return times.toSorted((a, b) => a - b)[5]!;
  };
  const rows = {
    equations: () => groups.forEach((group) => group.forEach(checkEquations)),
    whole: () => groups.forEach(checkWhole),
  };
  const characters = groups.flat().reduce((sum, text) => sum + text.length, 0) / 160;
  console.log(`Milliseconds for 10 groups of 16 responses of ${characters.toFixed(0)} characters (level 12):\n`);
  printTable(
    ['check', 'ms'],
    Object.entries(rows).map(([name, work]) => [name, time(work).toFixed(1)]),
  );
}

/** Tokens of a response at level 12. */
const LONGEST = 132;

interface Sampled extends Group {
  readonly level: number;
  readonly label: string;
}

async function sampled(model: string): Promise<Sampled[]> {
  const out = resolve(values.out);
  if (existsSync(out)) return JSON.parse(readFileSync(out, 'utf8')) as Sampled[];
  const config = parseConfig({ model, sampling: { maxNewTokens: LONGEST } });
  await using sampler = await openForSampling(config);
  const { dataset, labels } = openLadder({ pool: POOL, pictures: questions, seed });
  const all = Array.from({ length: dataset.size }, (_, i) => dataset.question(i));
  const ask = async (asked: readonly Question[], count: number): Promise<string[][]> => {
    const texts: string[][] = [];
    for (let from = 0; from < asked.length; from += 50) {
      const params = { ...config.sampling, samples: count };
      const request = { questions: asked.slice(from, from + 50), params, seed: seed + from, version: 0 };
      const { groups } = await sampler.sample(request, new AbortController().signal);
      texts.push(...groups.map((group) => group.map(({ text }) => text)));
      console.error(`${texts.length} of ${asked.length} questions, ${count} samples each`);
    }
    return texts;
  };
  const responses = await ask(all, samples);
  const readings = await ask(
    all.map((question) => ({ ...question, text: readingPrompt(question.text), verbatim: true })),
    further,
  );
  const changed = (view: number): Question[] =>
    all.map((question, i) => ({
      ...question,
      pictures: question.pictures.map((of) => ({ type: 'disturbed', of, seed: 2 * i + view })),
    }));
  const views = [await ask(changed(0), further / 2), await ask(changed(1), further / 2)];
  const groups = all.map((question, i) => ({
    level: labels.level?.(question.id) ?? 0,
    label: labels.label(question.id) ?? '',
    responses: responses[i]!,
    readings: readings[i]!,
    views: views.flatMap((view) => view[i]!.map(extractAnswer)),
  }));
  makeFolder(dirname(out));
  writeFileSync(out, JSON.stringify(groups));
  return groups;
}

const LEVELS = Array.from({ length: 12 }, (_, i) => i + 1);

/** By level: accuracy of the vote of those that keep it, and what the checks do to right and to wrong responses. */
function report(groups: readonly Sampled[]): void {
  const found = groups.map((group) => ({ group, findings: findingsOf(group) }));
  const votes: string[][] = [];
  const denials: string[][] = [];
  for (const checks of [[], ...SETS]) {
    const right = new Map<number, number[]>();
    const lost = { right: 0, wrong: 0 };
    const seen = { right: 0, wrong: 0 };
    for (const { group, findings } of found) {
      const answers = group.responses.map(extractAnswer);
      const classes = classesOf(answers).map((own, i) => (isDenied(findings, checks, i) ? -1 : own));
      const { winner } = majorityVote(classes);
      const scores = right.get(group.level) ?? [];
      right.set(group.level, [...scores, winner < 0 ? -1 : Number(answers[classes.indexOf(winner)] === group.label)]);
      answers.forEach((answer, i) => {
        if (answer === null) return;
        const kind = answer === group.label ? 'right' : 'wrong';
        seen[kind]++;
        lost[kind] += Number(isDenied(findings, checks, i));
      });
    }
    const name = checks.join(' + ') || 'none';
    const kept = (scores: readonly number[]): readonly number[] => scores.filter((score) => score >= 0);
    const accuracy = (scores: readonly number[]): string =>
      percent(kept(scores).filter((score) => score === 1).length, kept(scores).length);
    const all = LEVELS.flatMap((level) => right.get(level) ?? []);
    votes.push([
      name,
      ...LEVELS.map((level) => accuracy(right.get(level) ?? [])),
      accuracy(all),
      percent(kept(all).length, all.length),
    ]);
    const [rightKept, wrongKept] = [seen.right - lost.right, seen.wrong - lost.wrong];
    denials.push([
      name,
      percent(lost.right, seen.right),
      percent(wrongKept, seen.wrong),
      percent(rightKept, rightKept + wrongKept),
    ]);
  }
  console.log(`Accuracy of the vote by level, among groups with a vote (${groups.length} questions):\n`);
  printTable(['checks', ...LEVELS.map(String), 'all', 'groups with a vote'], votes);
  console.log(
    'Right responses that lose their vote, wrong ones that keep it, and right ones among those that keep it:\n',
  );
  printTable(['checks', 'right denied', 'wrong kept', 'right among kept'], denials);
}

speed();
injected();
if (values.model !== undefined) report(await sampled(values.model));
