/**
 * A daemon around the toy policy in a process of its own, for tests that kill it. Arguments: run folder's parent, JSON
 * of configuration, the point at which it sends itself SIGKILL, and optionally a version that has a checkpoint, to
 * which it rolls back once the next version exists. `beforeLearn:3` dies at the third learner step of this process,
 * `rollback.beforeSave:1` when the first rollback saves, `statement:120` before the 120th write, begin or end of a
 * transaction, `none` never. With TOY_POISON=5 the learner fails on every fifth batch.
 */
import './ends-with-test.ts';
import { filter, firstValueFrom } from 'rxjs';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { Database } from '../../src/store/database.ts';
import { ToyPolicy, type ToyFaults } from './toy-policy.ts';
import { toyRun } from './toy-run.ts';

const [folder, input, death, goal] = process.argv.slice(2) as [string, string, string, string?];
const [where, count] = death.split(':') as [string, string];
const seen = new Map<string, number>();
const poison = Number(process.env['TOY_POISON'] ?? Infinity);
let rollingBack = false;
let goOn = () => {};
const asked = new Promise<void>((resolve) => (goOn = resolve));

function at(name: string): void {
  const place = rollingBack ? `rollback.${name}` : name;
  seen.set(place, (seen.get(place) ?? 0) + 1);
  if (place === where && seen.get(place) === Number(count)) process.kill(process.pid, 'SIGKILL');
}

const faults: ToyFaults = {
  beforeSample: () => at('beforeSample'),
  beforeLearn: ({ parent, id }) => {
    at('beforeLearn');
    if (id % poison === poison - 1) throw new Error(`token 999999 of batch ${id}`);
    return goal !== undefined && parent === Number(goal) + 1 ? asked : undefined;
  },
  afterLearn: () => at('afterLearn'),
  beforeSave: () => at('beforeSave'),
  afterSave: () => at('afterSave'),
  beforeRestore: () => {
    rollingBack = true;
    at('beforeRestore');
  },
  afterRestore: () => at('afterRestore'),
};
// These two calls cover every point between two writes of the store, and those before and after a commit.
for (const name of ['run', 'script'] as const) {
  const call = Database.prototype[name];
  Database.prototype[name] = function (this: Database, ...arguments_: never[]): never {
    at('statement');
    return (call as (...all: never[]) => never).apply(this, arguments_);
  };
}
// The store prunes old checkpoints right after the new one is in its place.
const prune = Checkpoints.prototype.prune;
Checkpoints.prototype.prune = function (...arguments_) {
  at('saved');
  return prune.apply(this, arguments_);
};

const { config } = toyRun(JSON.parse(input) as ConfigInput, folder);
const daemon = await startDaemon(config, {
  handleSignals: true,
  createPolicy: (_, { checkpoint }) => new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) }),
});
if (goal !== undefined) {
  await firstValueFrom(daemon.status$().pipe(filter(({ version }) => version > Number(goal))));
  const done = daemon.command({ type: 'rollback', version: Number(goal) }, 'a test');
  goOn();
  await done;
  at('done');
  rollingBack = false;
}
const report = await daemon.closed();
process.stdout.write(JSON.stringify(report));
