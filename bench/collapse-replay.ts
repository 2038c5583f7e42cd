/**
 * Replays the guardian over finished runs: `npx tsx bench/collapse-replay.ts RUN_FOLDER...`. It computes the signals
 * of groups and steps from the store, and takes those of the canaries from its metrics, where the run had a guardian:
 * they are as of the versions that it trusted then. A record of `bench/collapse.ts --mode watch` shows a collapse to its
 * end. `lost`: points of true accuracy between the best and the last evaluation, both before the first act if there is one. Opening migrates
 * the store to this version's format, so give it a copy of an older run.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseConfig } from '../src/config/load.ts';
import { evidence } from '../src/guardian/rules.ts';
import { NEW_MONITOR, observe, reasons, rolledBack, type Level, type MonitorState } from '../src/guardian/monitor.ts';
import { groupSignals, type Signals } from '../src/guardian/signals.ts';
import type { JudgedGroup } from '../src/protocol/messages.ts';
import { openStore } from '../src/store/open-store.ts';
import type { Store } from '../src/store/store.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Prints each step that is not healthy, with its reasons. */
    verbose: { type: 'boolean', default: false },
  },
});

const PAGE = 500;
const OF_PROBES = [
  'agreement',
  'sureOf',
  'recent',
  'recentSureOf',
  'kept',
  'faded',
  'origin',
  'baseSureOf',
  'consistency',
  'canaryAccuracy',
  'canaryTokens',
  'unsound',
] as const;

/** By the version that sampled them. */
function groupsByVersion(store: Store): Map<number, JudgedGroup[]> {
  const found = new Map<number, JudgedGroup[]>();
  for (let before = store.nextSequence; ;) {
    const page = store.judgedGroups(PAGE, before);
    if (page.length === 0) return found;
    for (const judged of page)
      found.set(judged.group.policyVersion, [...(found.get(judged.group.policyVersion) ?? []), judged]);
    before = page.at(-1)!.group.sequence;
  }
}

/** Signals of a probe that was read at a version; undefined without one. */
function probeAt(row: Readonly<Record<string, number>>): Signals | undefined {
  const found = OF_PROBES.flatMap((name) => {
    const value = row[`guardian.${name}`];
    return value === undefined ? [] : [[name, value] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function replay(folder: string): string {
  using store = openStore(join(folder, 'quorum.db'));
  const groups = groupsByVersion(store);
  const newest = store.latestVersion()?.n ?? 0;
  const rolledBackAs = new Set(store.events(1_000, 'rollback').map(({ data }) => (data as { readonly as: number }).as));
  const steps: Record<Level, number> = { healthy: 0, watch: 0, act: 0 };
  let state: MonitorState = NEW_MONITOR;
  let [most, why, soon] = [0, '-', 0];
  let watched: number | null = null;
  let acted: number | null = null;
  for (let version = 1; version <= newest; version++) {
    if (rolledBackAs.has(version)) state = rolledBack(state, version);
    const row = store.metricRow(version);
    const { kl, entropy, clipFraction } = row;
    const metrics = Object.fromEntries(
      Object.entries({ kl, entropy, clipFraction }).filter(([, value]) => value !== undefined),
    );
    const probe = probeAt(row);
    const signals = { ...metrics, ...groupSignals(groups.get(version - 1) ?? []) };
    const { state: next, assessment } = observe(
      state,
      { version, signals, ...(probe && { probe }) },
      parseConfig({}).guardian,
    );
    state = next;
    steps[assessment.level] += 1;
    soon += Number(assessment.ask !== 'as usual');
    most = Math.max(most, evidence(assessment.symptoms));
    if (values.verbose && assessment.ask !== 'as usual')
      console.log(`${version}: ${assessment.level}, ask ${assessment.ask}: ${reasons(assessment)}`);
    if (assessment.level !== 'healthy') watched ??= version;
    if (assessment.level === 'act' && acted === null) [acted, why] = [version, reasons(assessment)];
  }
  const cells = [folder, newest, steps.watch, steps.act, soon, most.toFixed(2), state.reference?.version];
  return `| ${[...cells, watched, acted, lostBy(store, acted), why].map((cell) => cell ?? '-').join(' | ')} |`;
}

/** In points. */
function lostBy(store: Store, version: number | null): string | null {
  const before = store
    .evaluations()
    .flatMap(({ version: of, greedy }) =>
      greedy === null || of > (version ?? Infinity) ? [] : [[of, greedy] as const],
    )
    .toSorted(([a], [b]) => a - b);
  const last = before.at(-1);
  return last === undefined ? null : (100 * (Math.max(...before.map(([, greedy]) => greedy)) - last[1])).toFixed(1);
}

const HEAD = [
  'run',
  'steps',
  'on watch',
  'to act on',
  'asked sooner',
  'most evidence',
  'trusted at the end',
  'first watch',
  'first act',
  'lost',
  'why',
];
console.log(`| ${HEAD.join(' | ')} |\n| ${HEAD.map(() => '---').join(' | ')} |`);
for (const folder of positionals) console.log(replay(folder));
