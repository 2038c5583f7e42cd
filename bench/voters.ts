/**
 * `npx tsx bench/voters.ts RUN_FOLDER` measures, on the groups that a run of the ladder sampled, what other ways to vote
 * add to its checks, and would have added without them: votes weighted by log-probability, votes weighted by the
 * log-probability under the frozen base, soft votes, only the negative advantages, and `premises` by the lists of the
 * group's own responses instead of further readings. Labels serve only to count which votes are right. Opening migrates
 * the store, so give it a copy of an older run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLadder } from '../src/data/figures/ladder/dataset.ts';
import type { FamilyName } from '../src/data/figures/ladder/table.ts';
import { groupAdvantages } from '../src/learn/advantage.ts';
import { checkPremises, premisesOf } from '../src/learn/checks/premises.ts';
import { mean } from '../src/lib/mean.ts';
import { openStore } from '../src/store/open-store.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** The first version of each part of the run. */
    versions: { type: 'string', default: '0,25,100,150' },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('name the folder of a run: npx tsx bench/voters.ts RUN_FOLDER');
const parts = values.versions.split(',').map(Number);

interface Response {
  readonly answer: string | null;
  /** Checks of the run that deny its vote, and `OWN_LISTS` where that would. */
  readonly deniedBy: ReadonlySet<string>;
  /** log pi of its tokens, under the version that sampled it and under the base. */
  readonly logprobs: readonly number[];
  readonly refLogprobs: readonly number[];
}

interface Group {
  readonly version: number;
  readonly label: string;
  readonly responses: readonly Response[];
}

const PAGE = 500;
/** The list of what it reads is not that of most of its group's responses that have one. */
const OWN_LISTS = 'premises by own lists';

function groupsOf(run: string): readonly Group[] {
  const { data } = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as {
    readonly data: { readonly seed: number; readonly trainQuestions: number; readonly families: readonly FamilyName[] };
  };
  const { labels } = openLadder({ ...data, pool: 'train', pictures: data.trainQuestions });
  using store = openStore(join(run, 'quorum.db'));
  const groups: Group[] = [];
  for (let before = store.nextSequence; ;) {
    const page = store.judgedGroups(PAGE, before);
    if (page.length === 0) return groups;
    for (const { group, verdict } of page) {
      const lists = group.samples.flatMap(({ text }) => premisesOf(text) ?? []);
      const responses = group.samples.map(({ text, logprobs, refLogprobs = [] }, i) => ({
        answer: verdict.answers[i] ?? null,
        deniedBy: new Set([
          ...(group.checks ?? []).flatMap(({ check, findings }) => (findings[i]?.vote === false ? [check] : [])),
          ...(checkPremises(text, lists).vote === false ? [OWN_LISTS] : []),
        ]),
        logprobs,
        refLogprobs,
      }));
      const label = labels.label(group.question.id);
      if (label !== undefined) groups.push({ version: group.policyVersion, label, responses });
    }
    before = page.at(-1)!.group.sequence;
  }
}

/** A response with a vote; null where it has none. */
type Vote = (Response & { readonly answer: string }) | null;

const votesOf = ({ responses }: Group, checks: readonly string[]): Vote[] =>
  responses.map(({ answer, ...rest }) =>
    answer === null || checks.some((check) => rest.deniedBy.has(check)) ? null : { ...rest, answer },
  );

const CHECKS = ['equations', 'whole', 'premises'];

/** The answer with the largest sum of weights, ties to the one seen first; null without a vote. */
function winnerOf(votes: readonly Vote[], weight: (vote: Response) => number = () => 1): string | null {
  // Answers of the ladder are whole numbers: equal ones are spelt alike.
  const sums = new Map<string, number>();
  for (const vote of votes) if (vote) sums.set(vote.answer, (sums.get(vote.answer) ?? 0) + weight(vote));
  return [...sums].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);
const byBase = (votes: readonly Vote[]): string | null =>
  winnerOf(votes, ({ refLogprobs }) => Math.exp(total(refLogprobs)));

const RULES: Readonly<Record<string, (votes: readonly Vote[]) => string | null>> = {
  'one vote each': (votes) => winnerOf(votes),
  'by the mean log-probability': (votes) => winnerOf(votes, ({ logprobs }) => Math.exp(mean(logprobs))),
  "by the sequence's log-probability": (votes) => winnerOf(votes, ({ logprobs }) => Math.exp(total(logprobs))),
  "by the base's mean log-probability": (votes) => winnerOf(votes, ({ refLogprobs }) => Math.exp(mean(refLogprobs))),
  "by the base's log-probability of the sequence": byBase,
  'one each, where the base agrees': (votes) => {
    const winner = winnerOf(votes);
    return winner === byBase(votes) ? winner : null;
  },
};

const percent = (n: number, of: number): string => (of === 0 ? '–' : ((100 * n) / of).toFixed(1));

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
  console.log();
}

/** Votes that are right among those that a rule gives, and the share of groups that it gives one. */
function votedBy(
  rule: (votes: readonly Vote[]) => string | null,
  groups: readonly Group[],
  checks: readonly string[],
): string {
  const winners = groups.map((group) => rule(votesOf(group, checks)));
  const voted = winners.filter((winner) => winner !== null).length;
  const right = winners.filter((winner, i) => winner === groups[i]!.label).length;
  return `${percent(right, voted)} of ${percent(voted, groups.length)}`;
}

type Rewards = (votes: readonly Vote[]) => readonly number[];

const rewardsOfVote: Rewards = (votes) => {
  const winner = winnerOf(votes);
  return votes.map((vote) => Number(vote !== null && vote.answer === winner));
};
/** Each answer earns its frequency. */
const rewardsOfFrequency: Rewards = (votes) =>
  votes.map((vote) => votes.filter((other) => vote !== null && other?.answer === vote.answer).length / votes.length);

/** Shares of the positive advantages that right responses get, and of the negative ones that wrong responses get. */
function pushed(rewardsOf: Rewards, groups: readonly Group[], checks: readonly string[], split: boolean): string {
  const sums = { up: 0, upRight: 0, down: 0, downWrong: 0 };
  for (const group of groups) {
    const votes = votesOf(group, checks);
    // The winner has half of the responses at most.
    if (split && 2 * mean(rewardsOfVote(votes)) > 1) continue;
    groupAdvantages(rewardsOf(votes), { normaliseStd: true }).forEach((advantage, i) => {
      const isRight = group.responses[i]!.answer === group.label;
      sums.up += Math.max(0, advantage);
      sums.upRight += isRight ? Math.max(0, advantage) : 0;
      sums.down += Math.max(0, -advantage);
      sums.downWrong += isRight ? 0 : Math.max(0, -advantage);
    });
  }
  return `${percent(sums.upRight, sums.up)}, ${percent(sums.downWrong, sums.down)}`;
}

const all = groupsOf(folder);
const byPart = parts.map((from, i) =>
  all.filter(({ version }) => version >= from && version < (parts[i + 1] ?? Infinity)),
);
const head = parts.map(
  (from, i) => `${from} to ${(parts[i + 1] ?? 1 + Math.max(...all.map(({ version }) => version))) - 1}`,
);
const both = [...head.map((versions) => `no checks, ${versions}`), ...head.map((versions) => `checks, ${versions}`)];
const cells = (of: (groups: readonly Group[], checks: readonly string[]) => string): string[] =>
  [[], CHECKS].flatMap((checks) => byPart.map((groups) => of(groups, checks)));

console.log(
  `Votes that are right, of the share of groups that have one (${byPart.map(({ length }) => length).join(', ')} groups):\n`,
);
printTable(
  ['votes', ...both],
  Object.entries(RULES).map(([name, rule]) => [name, ...cells((groups, checks) => votedBy(rule, groups, checks))]),
);
console.log('Of the positive advantages the share on right responses, of the negative ones that on wrong responses:\n');
printTable(
  ['rewards', ...both],
  [
    ['the vote', ...cells((groups, checks) => pushed(rewardsOfVote, groups, checks, false))],
    ['the vote, split groups', ...cells((groups, checks) => pushed(rewardsOfVote, groups, checks, true))],
    ['soft votes', ...cells((groups, checks) => pushed(rewardsOfFrequency, groups, checks, false))],
    ['soft votes, split groups', ...cells((groups, checks) => pushed(rewardsOfFrequency, groups, checks, true))],
  ],
);

const SETS = [[], ['equations', 'whole'], CHECKS, ['equations', 'whole', OWN_LISTS]];
console.log('Votes that are right, of the share of groups that have one:\n');
printTable(
  ['checks', ...head],
  SETS.map((checks) => [checks.join(' + ') || 'none', ...byPart.map((groups) => votedBy(winnerOf, groups, checks))]),
);
