/**
 * A stand-in for the daemon: takes the given run folder, continues from its state, and says `done` after each write
 * that the store has acknowledged. Two groups a batch; every version is also a checkpoint. Runs until it is killed.
 */
import '../support/ends-with-test.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { openStore } from '../../src/store/open-store.ts';
import { openRunFolder } from '../../src/store/run-folder.ts';
import { group, metrics, verdict } from './messages.ts';

const run = openRunFolder(process.argv[2]!);
const store = openStore(run.database);
const checkpoints = await Checkpoints.open(run.checkpointsFolder);

function done(what: string, id: number): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${what} ${id}\n`, () => resolve()));
}

async function checkpoint(version: number): Promise<void> {
  await checkpoints.save(version, async (folder) => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'model.safetensors'), Buffer.alloc(200_000, version));
  });
  await done('checkpoint', version);
  const { replayFloor } = await checkpoints.prune(2);
  store.setReplayFloor(replayFloor);
}

for (;;) {
  const { unsampled, unjudged, unbatched, unlearnt } = store.unfinished();
  const version = store.latestVersion()?.n ?? 0;
  if (unlearnt[0]) {
    store.saveVersion({ n: version + 1, parent: version, batchId: unlearnt[0].id, metrics });
    await done('version', version + 1);
    await checkpoint(version + 1);
  } else if (unbatched.length >= 2) {
    const id = store.nextBatchId;
    store.saveBatch({ id, parent: version, groupIds: unbatched.slice(0, 2).map((it) => it.group.id) });
    await done('batch', id);
  } else if (unjudged[0]) {
    store.saveVerdicts([verdict(unjudged[0].sequence)]);
    await done('verdict', unjudged[0].sequence);
  } else if (unsampled[0]) {
    store.saveGroups([group(unsampled[0].sequence, version)]);
    await done('group', unsampled[0].sequence);
  } else {
    const sequence = store.nextSequence;
    store.admit([{ sequence, question: group(sequence).question }]);
    await done('admit', sequence);
  }
}
