/**
 * Replays the guardian over finished runs: `npx tsx bench/collapse-replay.ts RUN_FOLDER...`. It computes the signals
 * from the store, except those of the canaries, which need the weights. Opening migrates the store to this version's
 * format, so give it a copy of an older run.
 */
import { join } from 'node:path';
import { parseConfig } from '../src/config/load.ts';
import { evidence } from '../src/guardian/rules.ts';
import { NEW_MONITOR, observe, reasons, type Level } from '../src/guardian/monitor.ts';
import { groupSignals } from '../src/guardian/signals.ts';
import type { JudgedGroup } from '../src/protocol/messages.ts';
import { openStore } from '../src/store/open-store.ts';
import type { Store } from '../src/store/store.ts';

const PAGE = 500;

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

function replay(folder: string): string {
  using store = openStore(join(folder, 'quorum.db'));
  const groups = groupsByVersion(store);
  const newest = store.latestVersion()?.n ?? 0;
  const steps: Record<Level, number> = { healthy: 0, watch: 0, act: 0 };
  let [state, most, why] = [NEW_MONITOR, 0, '-'];
  for (let version = 1; version <= newest; version++) {
    const { kl, entropy, clipFraction } = store.metricRow(version);
    const metrics = Object.fromEntries(
      Object.entries({ kl, entropy, clipFraction }).filter(([, value]) => value !== undefined),
    );
    const reading = { version, signals: { ...metrics, ...groupSignals(groups.get(version - 1) ?? []) } };
    const { state: next, assessment } = observe(state, reading, parseConfig({}).guardian);
    state = next;
    steps[assessment.level] += 1;
    most = Math.max(most, evidence(assessment.symptoms));
    if (assessment.level !== 'healthy' && why === '-')
      why = `${assessment.level} at ${version}: ${reasons(assessment)}`;
  }
  return `| ${folder} | ${newest} | ${steps.watch} | ${steps.act} | ${most.toFixed(2)} | ${state.reference?.version ?? '-'} | ${why} |`;
}

console.log(
  '| run | steps | on watch | to act on | most evidence | trusted at the end | first reasons |\n| --- | --- | --- | --- | --- | --- | --- |',
);
for (const folder of process.argv.slice(2)) console.log(replay(folder));
