import { expect, test } from 'vitest';
import { Members } from '../../src/cluster/members.ts';
import type { Beat } from '../../src/cluster/wire.ts';

const beat = (id: string, more: Partial<Beat> = {}): Beat => ({
  id,
  name: id,
  host: `host-of-${id}`,
  pid: 1,
  devices: ['cpu', 'cuda:0'],
  roles: ['sampler'],
  setup: null,
  version: null,
  holds: [],
  sentBytes: 0,
  receivedBytes: 0,
  leaving: false,
  ...more,
});

function members() {
  const clock = { now: 1_000_000 };
  const list = new Members(() => clock.now);
  const silent = (since = 0): string[] => list.fallenSilent(since).map(({ name }) => name);
  return { clock, list, silent };
}

test('a worker joins, falls silent, comes back and leaves: each is news once', () => {
  const { clock, list, silent } = members();
  const newsOf = (more?: Partial<Beat>) => list.beat(beat('a', more)).news;
  expect(newsOf()).toBe('joined with cpu, cuda:0');
  expect(newsOf()).toBeUndefined();
  clock.now += 8_000;
  expect(silent()).toEqual([]);
  clock.now += 1;
  expect([silent(), silent()]).toEqual([['a'], []]);
  expect([newsOf(), newsOf()]).toEqual(['is back', undefined]);
  expect([newsOf({ leaving: true }), newsOf({ leaving: true })]).toEqual(['left', undefined]);
  clock.now += 60_000;
  expect(silent()).toEqual([]);
});

test('no worker is silent while NATS is away, nor for eight seconds after it is back', () => {
  const { clock, list, silent } = members();
  for (const id of ['a', 'b']) list.beat(beat(id));
  clock.now += 60_000;
  expect(silent(Infinity)).toEqual([]);
  const back = clock.now;
  clock.now += 5_000;
  list.beat(beat('a'));
  clock.now += 3_001;
  expect(silent(back)).toEqual(['b']);
});

test('a worker that falls silent keeps its counts and its order', () => {
  const { clock, list, silent } = members();
  list.beat(beat('a'));
  list.countGroups('a.a', 3);
  list.park('a.a', 'its groups are wrong');
  clock.now += 9_000;
  expect(silent()).toEqual(['a']);
  expect(list.beat(beat('a'))).toEqual({ order: 'park', why: 'its groups are wrong', news: 'is back' });
  expect(list.list('setup')).toMatchObject([{ groups: 3, state: 'parked' }]);
});

test('the rate of a worker counts all groups of the last minute, however many', () => {
  const { clock, list } = members();
  list.beat(beat('a'));
  const rate = (): number => list.list('setup')[0]!.groupsPerSecond;
  const count = (groups: number): void => {
    for (let i = 0; i < groups; i++) list.countGroups('a.a', 1);
  };
  count(12_000);
  expect(rate()).toBe(200);
  clock.now += 30_000;
  count(6_000);
  expect(rate()).toBe(300);
  clock.now += 30_000;
  expect(rate()).toBe(100);
  clock.now += 30_000;
  expect(rate()).toBe(0);
});

test('a worker can take work of its roles, as much as it has devices, while it has the setup and is not parked', () => {
  const { clock, list } = members();
  const setup = 'f'.repeat(64);
  list.beat(beat('a', { setup, roles: ['learner'] }));
  list.beat(beat('b', { roles: ['sampler', 'learner'] }));
  const can = () => [list.can('sampler', setup), list.can('learner', setup)];
  expect(can()).toEqual([false, true]);
  expect([list.devicesThat('learner', 'a.a', setup), list.devicesThat('learner', 'b.b', setup)]).toEqual([2, 0]);
  list.beat(beat('b', { setup, roles: ['sampler', 'learner'] }));
  expect(can()).toEqual([true, true]);
  list.park('b.b', 'its gradients are wrong');
  clock.now += 5_000;
  list.beat(beat('b', { setup, roles: ['sampler', 'learner'] }));
  clock.now += 5_000;
  expect([...can(), list.isHere('a.a'), list.isHere('b.b')]).toEqual([false, false, false, true]);
});

test('what a worker gives in each role is checked the first time, then by its share', () => {
  const { list } = members();
  list.beat(beat('a', { roles: ['sampler', 'learner'] }));
  expect(list.isDue('learner', 'a.a', 0, 0)).toBe(false);
  expect(list.isDue('learner', 'a.a', 0.1, 0.5)).toBe(true);
  expect(list.isDue('sampler', 'a.a', 0.1, 0.5)).toBe(true);
  expect([list.isDue('learner', 'a.a', 0.1, 0.5), list.isDue('learner', 'a.a', 0.1, 0.05)]).toEqual([false, true]);
});

test('a name belongs to one process, until it leaves or is silent for four seconds', () => {
  const { clock, list } = members();
  const [first, second] = [beat('a'), beat('b', { name: 'a' })];
  const orderOf = (each: Beat) => list.beat(each).order;
  expect([orderOf(first), orderOf(second)]).toEqual(['work', 'wait']);
  expect(list.beat(second).why).toBe('a on host-of-a (process 1) has this name');
  expect(list.beat({ ...second, leaving: true }).news).toBe('left: a on host-of-a (process 1) has this name');
  expect(list.list('')).toHaveLength(1);
  clock.now += 4_000;
  expect(orderOf(second)).toBe('wait');
  clock.now += 1;
  expect([orderOf(second), orderOf(first)]).toEqual(['work', 'wait']);
  list.beat({ ...second, leaving: true });
  expect(orderOf(first)).toBe('work');
});

test('draining a name empties the process that has it', () => {
  const { list } = members();
  list.beat(beat('a'));
  expect([list.drain('a'), list.drain('b')]).toEqual([true, false]);
  expect(list.beat(beat('a')).order).toBe('drain');
  list.beat(beat('a', { leaving: true }));
  expect(list.drain('a')).toBe(false);
});
