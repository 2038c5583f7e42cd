/**
 * Kills a daemon again and again, each time at a seeded point, and checks the run folder after each death. At staleness
 * 0 the seed determines a run, so an unkilled run of the same seed gives the expected batches. At higher staleness the
 * batches depend on which thread is faster; there, whatever was durable at one death must still exist at the next.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/config/schema.ts';
import { Random } from '../../src/data/rng.ts';
import type { Report } from '../../src/protocol/status.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { openStore } from '../../src/store/open-store.ts';

export type Launch = (folder: string, input: ConfigInput, death: string) => Promise<Report | undefined>;

/** A digest of a run folder, small enough to compare. */
export interface Contents {
  /** Sequence number of each durable group -> hash of the group. */
  readonly groups: ReadonlyMap<number, string>;
  /** Sequence number of each judged group -> hash of what its checks found and of its verdict. */
  readonly verdicts: ReadonlyMap<number, string>;
  /** Sequence numbers of the groups of each batch, in order. */
  readonly batches: readonly (readonly number[])[];
  readonly versions: readonly (readonly [n: number, parent: number | null])[];
}

export interface Chaos {
  readonly kills: number;
  readonly report: Report;
  readonly contents: Contents;
}

/** Kills in each of the two chaos tests; `npm run chaos` and .ci/run ask for more than the default. */
export const KILLS = Math.ceil(Number(process.env['CHAOS_KILLS'] ?? 8) / 2);
/** True for the long version of the tests. */
export const LONG = KILLS >= 100;
export const SEED = Number(process.env['CHAOS_SEED'] ?? 1);
/** Enough for all kills: a killed launch makes at most five steps. */
export const STEPS = 10 * KILLS + 24;
export const LIMIT = { timeout: 600_000 + 30_000 * KILLS };

const ALL = 1_000_000;
export const chaosInput = (maxStaleness: number): ConfigInput => ({
  seed: 7,
  loop: { steps: STEPS, batchGroups: 4, jobQuestions: 2, maxStaleness, maxOversample: 3 },
  // Without this a toy that has learnt everything samples hundreds of groups for one step.
  filters: { shareFloor: 0.5, dropAllAgree: false },
  // The check after a death reads everything from the first group on; the default bounds would prune a run of a
  // thousand kills.
  store: { maxGroups: ALL, maxVersions: ALL },
  plugins: [fileURLToPath(new URL('./one-less.mjs', import.meta.url))],
});

/**
 * A launch dies before this database call at the latest; the shortest launches die while the run folder is opened.
 */
const LATEST_STATEMENT = 320;

/** @param folder the run folder's parent. */
export function contentsOf(folder: string): Contents {
  using store = openStore(join(folder, 'run', 'quorum.db'));
  const { unjudged } = store.unfinished();
  const judged = store.judgedGroups(ALL);
  const groups = [...judged.map(({ group }) => group), ...unjudged];
  const hash = (group: unknown) => createHash('sha256').update(JSON.stringify(group)).digest('base64');
  return {
    groups: new Map(groups.map(({ sequence, id, question, samples }) => [sequence, hash([id, question.id, samples])])),
    verdicts: new Map(judged.map(({ group, verdict }) => [group.sequence, hash([group.checks, verdict])])),
    batches: store.batchesSince(0).map((batch) => batch.groups.map(({ group }) => group.sequence)),
    versions: store
      .versions(ALL)
      .toReversed()
      .map(({ n, parent }) => [n, parent]),
  };
}

/**
 * Describes each fault of a run after a death; empty when the run is sound. `before` is what was durable at the
 * previous death, `alone` the contents of an undisturbed run of the same seed.
 */
export async function faultsAfterDeath(
  folder: string,
  before: Contents | undefined,
  alone: Contents | undefined,
): Promise<string[]> {
  const { findings } = await checkRun(join(folder, 'run'));
  const now = contentsOf(folder);
  const learnt = now.batches.flat();
  return [
    ...findings.filter(({ harmless }) => !harmless).map(({ path, problem }) => `${path} ${problem}`),
    ...[...(before?.groups ?? [])]
      .filter(([n, hash]) => now.groups.get(n) !== hash)
      .map(([n]) => `group ${n} was lost or changed`),
    ...[...(before?.verdicts ?? [])]
      .filter(([n, hash]) => now.verdicts.get(n) !== hash)
      .map(([n]) => `the verdict on group ${n} was lost or changed`),
    ...(before?.batches ?? [])
      .filter((batch, i) => batch.join() !== now.batches[i]?.join())
      .map((batch) => `batch ${batch.join()} was lost or changed`),
    ...repeated(learnt).map((sequence) => `group ${sequence} was learnt twice`),
    ...now.versions
      .filter(([n, parent], i) => n !== i || parent !== (i === 0 ? null : i - 1))
      .map(([n]) => `version ${n} is out of the chain`),
    ...(alone === undefined ? [] : differences(now, alone)),
  ];
}

function differences(now: Contents, alone: Contents): string[] {
  return [
    ...[...now.groups]
      .filter(([n, hash]) => alone.groups.get(n) !== hash)
      .map(([n]) => `group ${n} is not what it would have been`),
    ...[...now.verdicts]
      .filter(([n, hash]) => alone.verdicts.get(n) !== hash)
      .map(([n]) => `the verdict on group ${n} is not what it would have been`),
    ...now.batches
      .filter((batch, i) => batch.join() !== alone.batches[i]?.join())
      .map((batch) => `batch ${batch.join()} is not the next one`),
  ];
}

function repeated(sequences: readonly number[]): number[] {
  const seen = new Set<number>();
  return sequences.filter((sequence) => seen.size === seen.add(sequence).size);
}

/** Dies before a database call that the seed picks. */
const atStatement = (random: Random): string => `statement:${random.int(40, LATEST_STATEMENT)}`;

/** @throws Error at the first fault, with the seed and the death that caused it. */
export async function chaos(
  folder: string,
  input: ConfigInput,
  options: { kills: number; seed: number; alone?: Contents; launch: Launch; deathAt?: (random: Random) => string },
): Promise<Chaos> {
  const { kills, seed, alone, launch, deathAt = atStatement } = options;
  let deaths = 0;
  let before: Contents | undefined;
  while (deaths < kills) {
    const death = deathAt(new Random(seed, 'death', deaths));
    const report = await launch(folder, input, death);
    if (report !== undefined) throw new Error(`the run ended after ${deaths} of ${kills} kills: give it more steps`);
    deaths += 1;
    const faults = await faultsAfterDeath(folder, before, alone);
    if (faults.length > 0) throw new Error(`seed ${seed}, after kill ${deaths} at ${death}:\n${faults.join('\n')}`);
    before = contentsOf(folder);
  }
  const report = await launch(folder, input, 'none');
  if (report === undefined) throw new Error('the last launch did not end');
  const faults = await faultsAfterDeath(folder, before, alone);
  if (faults.length > 0) throw new Error(`seed ${seed}, at the end:\n${faults.join('\n')}`);
  return { kills: deaths, report, contents: contentsOf(folder) };
}
