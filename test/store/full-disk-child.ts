/** Fills a small disk through the store, looks at what is left, makes room, continues; prints what happened. */
import '../support/ends-with-test.ts';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { openStore } from '../../src/store/open-store.ts';
import { openRunFolder } from '../../src/store/run-folder.ts';
import { group } from './messages.ts';

const disk = process.argv[2]!;
const ballast = join(disk, 'ballast');
writeFileSync(ballast, Buffer.alloc(500_000));
const run = openRunFolder(join(disk, 'run'));
let store = openStore(run.database);
const checkpoints = await Checkpoints.open(run.checkpointsFolder);
const long = 'x'.repeat(20_000);

function big(sequence: number) {
  const { samples, ...rest } = group(sequence);
  return { ...rest, samples: samples.map((sample) => ({ ...sample, text: long })) };
}

function fill(): unknown {
  try {
    for (;;) {
      const sequence = store.nextSequence;
      store.transaction(() => {
        store.admit([{ sequence, question: group(sequence).question }]);
        store.saveGroups([big(sequence)]);
      });
    }
  } catch (error) {
    return error;
  }
}

const weights = (bytes: number) => (folder: string) => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.safetensors'), Buffer.alloc(bytes));
  return Promise.resolve();
};

await checkpoints.save(1, weights(1_000));
const error = fill();
const saved = store.counts().sampled;
const failed = await checkpoints.save(2, weights(2_000_000)).catch((reason: unknown) => String(reason));
console.log(`${saved}\n${String(error)}\n${typeof failed === 'string' ? failed : 'saved'}`);
const { checkpoint } = await checkpoints.newest();
console.log(`checkpoints ${(await checkpoints.versions()).join()}, newest ${checkpoint?.version}`);
store.close();
rmSync(ballast);
store = openStore(run.database);
const found = store.unfinished().unjudged;
console.log(
  `found ${found.length}, same ${isDeepStrictEqual(
    found,
    found.map((_, sequence) => big(sequence)),
  )}`,
);
store.event('room again');
console.log(store.events(1)[0]?.type === 'room again' ? 'continues' : 'lost');
store.close();
run.release();
