/**
 * Writes src/testing/recorded.json, what `quorum/testing` plays to plug-ins, from a real run of models/mini: `npx tsx
 * test/testing/make-recorded.ts`. Takes a minute. Log-probabilities are rounded to keep the file small.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadArchitecture } from '../../src/compute/models/folder.ts';
import { configSchema } from '../../src/config/schema.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { JudgedGroup } from '../../src/protocol/messages.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { openStore } from '../../src/store/open-store.ts';

const FILE = new URL('../../src/testing/recorded.json', import.meta.url);
const SAMPLES = 6;
/** Groups that the filters dropped; of those that were learnt from, all are kept. */
const DROPPED = 3;

const folder = mkdtempSync(join(tmpdir(), 'quorum-recorded-'));
const { dimensions } = await loadArchitecture('models/mini');
const limits = { vocabulary: dimensions.vocabSize, context: dimensions.maxPositions };
const daemon = await startDaemon(
  configSchema.parse({
    seed: 0,
    runFolder: join(folder, 'run'),
    model: 'models/mini',
    dashboard: { port: null },
    sampling: { samples: SAMPLES },
    loop: { batchGroups: 3, jobQuestions: 4, maxStaleness: 0, steps: 3 },
    evaluation: { everySteps: 1, questions: 20, fullEverySteps: 3, fullQuestions: 10 },
  }),
);
await daemon.closed();
using store = openStore(join(folder, 'run/quorum.db'));
const { records } = store.exportPage({ version: 0, evaluation: 0 }, 10);
const dropped = store.judgedGroups(1000).filter(({ verdict }) => !verdict.kept);
const extra = dropped.slice(-DROPPED).map((judged): LoopEvent => ({ type: 'judged', judged }));
const events = [...extra, ...records].map((event) =>
  event.type === 'judged' ? { ...event, judged: rounded(event.judged) } : event,
);
writeFileSync(FILE, `${JSON.stringify({ model: 'models/mini', samples: SAMPLES, limits, events })}\n`);
rmSync(folder, { recursive: true, force: true });
console.log(`${events.length} events`);

function rounded({ group, verdict }: JudgedGroup): JudgedGroup {
  const round = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(4)));
  const samples = group.samples.map(({ refLogprobs, ...sample }) => ({
    ...sample,
    logprobs: round(sample.logprobs),
    ...(refLogprobs && { refLogprobs: round(refLogprobs) }),
  }));
  return { group: { ...group, samples }, verdict };
}
