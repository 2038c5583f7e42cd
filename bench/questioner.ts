/**
 * What rewarding the questions that the model writes brings: runs without written questions, with them, and with them
 * rewarded; then the questions that the base and the last version of each run write about the same pictures, and the
 * votes on them. At staleness 0, so the same seed gives the same figures on the same machine.
 *
 *     npx tsx bench/questioner.ts [--data figures|ladder] [--model F] [--steps 64] [--seeds 1] [--arms none,written,rewarded] [--set KEY=VALUE ...]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { voter } from '../src/cli/write-questions.ts';
import { completeConfig } from '../src/config/load.ts';
import { applyOverrides } from '../src/config/override.ts';
import type { Config, ConfigInput } from '../src/config/schema.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { patternOf } from '../src/data/clusters.ts';
import { openData } from '../src/data/open.ts';
import { Grader } from '../src/learn/grader.ts';
import { weighed, writingFigures, type Candidate } from '../src/learn/question-reward.ts';
import { screen } from '../src/learn/synthetic.ts';
import { openForSampling } from '../src/policy/local/open.ts';
import type { Question, Verdict, WrittenQuestion } from '../src/protocol/messages.ts';
import type { Status } from '../src/protocol/status.ts';
import { openStore } from '../src/store/open-store.ts';

const ARMS = {
  none: { mode: 'off' },
  written: { mode: 'direct' },
  rewarded: { mode: 'direct', reward: { mode: 'on' } },
} as const satisfies Record<string, ConfigInput['synthesis']>;
type Arm = keyof typeof ARMS;

/** Pictures, and questions written about each, by which a version's questions are measured. */
const PICTURES = 64;
const EACH = 8;
/** Answers that vote on each of these. */
const VOTES = 10;

interface Options {
  readonly input: ConfigInput;
  readonly set: readonly string[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: 'figures' },
      model: { type: 'string' },
      steps: { type: 'string', default: '64' },
      seeds: { type: 'string', default: '1' },
      arms: { type: 'string', default: Object.keys(ARMS).join(',') },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const type = values.data === 'ladder' ? 'ladder' : 'figures';
  const input: ConfigInput = {
    model: values.model ?? `./models/${type === 'ladder' ? 'ladder' : 'mini'}`,
    data: { type },
    loop: { steps: Number(values.steps), maxStaleness: 0 },
    evaluation: { everySteps: 8, fullEverySteps: 1_000_000, questions: 400, fullQuestions: 10 },
    dashboard: { port: null },
  };
  const arms = values.arms.split(',').filter(Boolean) as Arm[];
  await describe('base', configOf({ input, set: values.set }, {}));
  for (let seed = 0; seed < Number(values.seeds); seed++)
    for (const arm of arms) await run(arm, seed, { input, set: values.set });
}

function configOf({ input, set }: Options, own: ConfigInput): Config {
  return completeConfig(applyOverrides({ ...input, ...own }, set, process.cwd())).config;
}

async function run(arm: Arm, seed: number, options: Options): Promise<void> {
  const runFolder = await mkdtemp(join(tmpdir(), 'quorum-questioner-'));
  try {
    const daemon = await startDaemon(configOf(options, { seed, runFolder, synthesis: ARMS[arm] }));
    const report = await daemon.closed();
    if (report.error !== undefined) throw new Error(`${arm}: ${report.error ?? report.end}`);
    print(`${arm}, seed ${seed}`, daemon.status());
    printKept(join(runFolder, 'quorum.db'));
    await describe(`  ${arm}, seed ${seed}, questions at the end`, {
      ...configOf(options, {}),
      model: join(runFolder, 'model'),
    });
  } finally {
    await rm(runFolder, { recursive: true, force: true });
  }
}

const percent = (n: number | null): string => (n === null ? '-' : `${(100 * n).toFixed(1)} %`);

function print(name: string, { groups, version, accuracy, synthesis, seconds }: Status): void {
  const judged = groups.kept + Object.values(groups.dropped).reduce((sum, n) => sum + n, 0);
  console.log(
    `${name}: version ${version}, ${seconds.toFixed(0)} s, groups ${judged}, kept ${percent(groups.kept / judged)}`,
  );
  console.log(`  accuracy ${accuracy.history.map(({ version: n, greedy }) => `${n}: ${percent(greedy)}`).join(', ')}`);
  if (synthesis === undefined) return;
  const { written, accepted, rejected, reward } = synthesis;
  console.log(`  written ${written}, accepted ${accepted}, rejected ${JSON.stringify(rejected)}`);
  if (reward !== undefined) console.log(`  last rewarded step ${JSON.stringify(reward)}`);
}

/** Prints by the origin of the questions how many groups the loop learnt from, and why it dropped the others. */
function printKept(database: string): void {
  using store = openStore(database);
  const { groups } = store.findGroups({}, { limit: 100_000 });
  for (const origin of ['dataset', 'direct', 'writing'] as const) {
    const verdicts = groups.flatMap(({ group, verdict }) =>
      group.question.origin === origin && verdict ? [verdict] : [],
    );
    if (verdicts.length === 0) continue;
    const shareOf = (dropped: Verdict['dropped']) =>
      percent(verdicts.filter((verdict) => verdict.dropped === dropped).length / verdicts.length);
    console.log(
      `  asked of origin ${origin}: ${verdicts.length}, learnt from ${shareOf(undefined)}, all agree ${shareOf('all-agree')}, below the floor ${shareOf('share-floor')}`,
    );
  }
}

/** The questions that a model writes about pictures that no run sees, and the votes on them. */
async function describe(name: string, config: Config): Promise<void> {
  const { heldOut } = await openData(config.data);
  await using sampler = await openForSampling(config);
  await using grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const { directPrompt: text, temperature, maxNewTokens } = config.synthesis;
  const pictures = new Map<string, Question['pictures']>();
  for (let i = 0; pictures.size < PICTURES && i < heldOut.size; i++) {
    const { pictures: some } = heldOut.question(i);
    pictures.set(JSON.stringify(some), some);
  }
  const prompts = [...pictures.values()].map((some, i): Question => ({
    id: `prompt-${i}`,
    text,
    pictures: some,
    origin: 'writing',
    verbatim: true,
  }));
  const params = { samples: EACH, temperature, topP: 1, topK: 0, maxNewTokens };
  const { groups } = await sampler.sample({ questions: prompts, params, seed: 0, version: 0 });
  const vote = voter(sampler, grader, config, VOTES);
  const written: WrittenQuestion[] = [];
  for (const [i, { pictures: some }] of prompts.entries()) {
    const read = groups[i]!.map(({ text: asWritten, finish }, j) =>
      screen(
        { question: { id: `${i}/${j}`, text: asWritten, pictures: some, origin: 'direct' }, seed: null, finish },
        [],
        config.synthesis,
      ),
    );
    const asked = read.flatMap(({ question, rejection }) => (rejection === undefined ? [question] : []));
    const verdicts = asked.length === 0 ? [] : await vote(asked, new AbortController().signal);
    const candidates = read.map(({ question, rejection }): Candidate => {
      const at = asked.indexOf(question);
      return { text: question.text, kind: patternOf(question.text), rejection, vote: verdicts[at] };
    });
    written.push(...weighed(candidates, [], config.synthesis));
  }
  report(name, written);
}

function report(name: string, written: readonly WrittenQuestion[]): void {
  const { usable, agreement, split, novelty, kinds } = writingFigures(written)!;
  const shares = written.flatMap(({ share }) => share ?? []);
  const bands = [0.2, 0.4, 0.6, 0.8, 1].map(
    (below) => shares.filter((s) => s < below && s >= below - 0.2 - 1e-9).length,
  );
  const sure = shares.filter((s) => s === 1).length;
  console.log(
    `${name}: ${written.length} questions, usable ${percent(usable)}, agreement ${percent(agreement)}, learnt from ${percent(split)}, unlike the others ${percent(novelty)}, kinds ${kinds.toFixed(2)}`,
  );
  console.log(
    `    vote share 0-.2, .2-.4, .4-.6, .6-.8, .8-1, all: ${[...bands, sure].map((n) => percent(n / Math.max(1, shares.length))).join(', ')}`,
  );
  const counts = new Map<string, number>();
  for (const { kind, share } of written) if (share !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const most = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, n]) => `${kind} ${percent(n / shares.length)}`);
  console.log(`    kinds: ${most.slice(0, 20).join('; ')}`);
}

await main();
