import { expect, test } from 'vitest';
import { Failover } from '../../src/daemon/failover.ts';
import { CancelledError, InputError, ItemError, UnsoundStepError } from '../../src/protocol/errors.ts';
import type { Item, Performer } from '../../src/protocol/performer.ts';

type Port = () => Promise<string>;
const item = (signal = new AbortController().signal): Item<Port, string> => ({
  doing: 'asking',
  seconds: 1,
  run: (port) => port(),
  signal,
});

/** A performer without a restart budget: the first failure of its port is its last. */
function actor(id: string, port: Port) {
  const shown: string[] = [];
  const performer: Performer<Port> = {
    id,
    perform: (each) => each.run(port, each.signal),
    waitsFor: (what) => void shown.push(what),
    takesFrom: (queue) => void shown.push(`queue ${queue()?.name}`),
  };
  return { performer, shown };
}

/** Plug-ins hold the port one after the other; each is gone once it fails. */
function setUp(plugins: Record<string, Port>) {
  const own = actor('own', () => Promise.resolve('own'));
  const held = Object.entries(plugins).map(([id, port]) =>
    actor(id, () =>
      port().catch((error: unknown) => {
        held.shift();
        throw error;
      }),
    ),
  );
  const said: string[] = [];
  const failover = new Failover<Port>(
    own.performer,
    () => held[0]?.performer,
    (text) => said.push(text),
  );
  return { failover, own, held, said };
}
const fails = (error: Error) => () => Promise.reject(error);

test('an item passes from holder to holder until one succeeds; each failed holder is reported with its successor', async () => {
  const { failover, said } = setUp({ first: fails(new Error('broken')), second: fails(new CancelledError('removed')) });
  expect(await failover.perform(item())).toBe('own');
  expect(said).toEqual(['first is out: broken; second does its work', 'second is out: removed; own does its work']);
});

test('a holder that is parked without an item in hand is reported once, with the reason', async () => {
  const own = actor('own', () => Promise.resolve('own')).performer;
  const mine = actor('mine', () => Promise.resolve('mine')).performer;
  const said: string[] = [];
  const parked = [{ performer: mine, error: 'not opened' }];
  const failover = new Failover<Port>(
    own,
    () => undefined,
    (text) => said.push(text),
    () => parked,
  );
  for (let i = 0; i < 2; i++) expect(await failover.perform(item())).toBe('own');
  expect(said).toEqual(['mine is out: not opened; own does its work']);
  parked[0] = { performer: { ...mine }, error: 'not opened again' }; // restarted by hand in between
  await failover.perform(item());
  expect(said.slice(1)).toEqual(['mine is out: not opened again; own does its work']);
});

test('what is wrong with the item itself, or with the call, is the answer: no other holder is asked', async () => {
  for (const error of [new InputError('no such picture'), new ItemError('twice', { cause: new Error('nan') })]) {
    const { failover, said } = setUp({ mine: fails(error) });
    await expect(failover.perform(item())).rejects.toBe(error);
    expect(said).toEqual([]);
  }
  const aborted = new CancelledError('the loop stops');
  const { failover, said } = setUp({ mine: fails(aborted) });
  await expect(failover.perform(item(AbortSignal.abort()))).rejects.toBe(aborted);
  expect(said).toEqual([]);
});

test('a plug-in can blame the item for an unsound step alone', async () => {
  let asked: Item<Port, string>['blames'];
  const plugin: Performer<Port> = {
    ...actor('mine', () => Promise.resolve('mine')).performer,
    perform: (each) => {
      asked = each.blames;
      return each.run(() => Promise.resolve('mine'), each.signal);
    },
  };
  const failover = new Failover<Port>(
    actor('own', fails(new Error())).performer,
    () => plugin,
    () => {},
  );
  expect(await failover.perform({ ...item(), blames: () => true })).toBe('mine');
  expect([asked!(new UnsoundStepError('NaN')), asked!(new Error('out of memory'))]).toEqual([true, false]);
});

test('the status shows the queue of the holder, and our own actor as waiting for it', async () => {
  const { failover, own, held } = setUp({ mine: () => Promise.resolve('mine') });
  const [mine] = held;
  failover.takesFrom(() => ({ name: 'batches', size: 0, bound: 4 }));
  failover.waitsFor('a batch');
  expect(await failover.perform(item())).toBe('mine');
  expect(own.shown).toEqual(['queue batches', 'mine', 'work']);
  expect(mine!.shown).toEqual(['a batch', 'queue batches']);
});
