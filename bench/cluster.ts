/**
 * Workers that sleep, a real daemon and a real NATS server: groups a second, what a group costs the daemon and NATS,
 * staleness and bytes, with groups of 16 samples of 512 tokens. From it a model for more samplers than this machine has:
 * what is full first, and what then. Linux; `NATS_SERVER` names the program if it is not on the PATH.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectTo } from '../src/cluster/connection.ts';
import { namesOf } from '../src/cluster/queues.ts';
import { keyOf, ordersSchema, read, type Beat } from '../src/cluster/wire.ts';
import { encode } from '../src/protocol/codec.ts';
import { costsOf, fullAt, resources, shareAt, type Assumed, type Costs, type Measured } from './cluster-model.ts';
import { ClusterRig, type RigOptions } from './cluster-rig.ts';
import { table, type Row } from './measure.ts';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1,2,4,8' },
    /** Of each measurement, after a few that do not count. */
    seconds: { type: 'string', default: '15' },
    /** That a job of 4 groups takes a worker. */
    milliseconds: { type: 'string', default: '1000' },
    /** Folder for a profile of the daemon while workers do not sleep; then nothing else is measured. */
    profile: { type: 'string' },
    /** The model's: seconds of a group on one sampler, seconds between versions, MB of a version. */
    group: { type: 'string', default: '2' },
    version: { type: 'string', default: '60' },
    weights: { type: 'string', default: '100' },
  },
});
const SECONDS = Number(values.seconds);
const WARM_SECONDS = 3;
const SMALL_BYTES = 1_000;
const WEIGHT_BYTES = 8_000_000;
const BEATS = 1_000;
const IN_HAND = 16;
const SAMPLERS = [10, 100, 1_000] as const;
const TARGET_PER_MINUTE = 2_000;
const ASSUMED: Assumed = {
  groupsPerSecond: 1 / Number(values.group),
  versionsPerSecond: 1 / Number(values.version),
  weightMegabytes: Number(values.weights),
  natsCores: 4,
  gigabitsPerSecond: 10,
};

interface Stretch extends Measured {
  readonly staleness: number;
  readonly versionsPerSecond: number;
  readonly rssBytes: number;
}

async function measure(options: Omit<RigOptions, 'weightBytes'> & { readonly weightBytes?: number }): Promise<Stretch> {
  await using rig = await ClusterRig.start({ weightBytes: SMALL_BYTES, ...options });
  await sleep(1000 * WARM_SECONDS);
  const before = await rig.counts();
  await sleep(1000 * SECONDS);
  const after = await rig.counts();
  const [seconds, groups] = [after.at - before.at, after.groups - before.groups];
  const learnt = after.staleness.map((count, s) => count - (before.staleness[s] ?? 0));
  return {
    workers: options.workers,
    groupsPerSecond: groups / seconds,
    daemon: (after.daemon - before.daemon) / seconds,
    nats: (after.nats - before.nats) / seconds,
    bytesIn: (after.bytesIn - before.bytesIn) / groups,
    bytesOut: (after.bytesOut - before.bytesOut) / groups,
    staleness: learnt.reduce((sum, count, s) => sum + count * s, 0) / learnt.reduce((sum, count) => sum + count, 0),
    versionsPerSecond: (after.version - before.version) / seconds,
    rssBytes: after.rssBytes,
  };
}

/** Processor seconds of a heartbeat, with 1,000 members and a loop that rests. */
async function measureBeats(): Promise<{ readonly daemon: number; readonly nats: number }> {
  await using rig = await ClusterRig.start({ workers: 0, milliseconds: 0, weightBytes: SMALL_BYTES });
  await rig.tell('pause');
  const connection = await connectTo(rig.url, { name: 'bench-beats' });
  const common = { host: 'bench', pid: 1, devices: ['cpu'], roles: ['sampler' as const], version: 0, leaving: false };
  const members = Array.from({ length: BEATS }, (_, i) => ({
    ...common,
    id: randomUUID(),
    name: `beat-${i}`,
    holds: [],
    sentBytes: 0,
    receivedBytes: 0,
  }));
  const beat = async (member: Omit<Beat, 'setup'>, setup: string | null): Promise<string | undefined> => {
    const subject = namesOf('quorum').beats(keyOf(member));
    const reply = await connection.request(subject, encode({ ...member, setup }), { timeout: 10_000 });
    return read(ordersSchema, reply.data, 'orders').setup?.id;
  };
  const setup = (await beat(members[0]!, null))!;
  const all = async (): Promise<void> => {
    for (let i = 0; i < BEATS; i += IN_HAND)
      await Promise.all(members.slice(i, i + IN_HAND).map((member) => beat(member, setup)));
  };
  await all();
  const before = await rig.counts();
  await all();
  await all();
  const after = await rig.counts();
  await connection.close();
  return { daemon: (after.daemon - before.daemon) / (2 * BEATS), nats: (after.nats - before.nats) / (2 * BEATS) };
}

function rowsOf(name: string, each: Stretch): Row[] {
  const { groupsPerSecond, daemon, nats, bytesIn, bytesOut, staleness, rssBytes } = each;
  return [
    { name, value: groupsPerSecond, unit: 'groups/s' },
    { name: '  daemon, processor time', value: (1000 * daemon) / groupsPerSecond, unit: 'ms/group' },
    { name: '  NATS, processor time', value: (1000 * nats) / groupsPerSecond, unit: 'ms/group' },
    {
      name: '  into NATS, out of it',
      value: bytesIn / 1000,
      unit: 'kB/group',
      note: `${(bytesOut / 1000).toFixed(0)} out`,
    },
    { name: '  staleness', value: staleness, unit: 'versions' },
    { name: '  daemon, resident memory', value: rssBytes / 1e6, unit: 'MB' },
  ];
}

/** What the model fitted without the last measurement says of it. */
function checkOf(measured: readonly Stretch[], beat: { readonly daemon: number; readonly nats: number }): Row[] {
  const [others, last] = [measured.slice(0, -1), measured.at(-1)!];
  const { daemon, nats } = costsOf(others, beat, 0);
  const each = others.reduce((sum, { groupsPerSecond, workers }) => sum + groupsPerSecond / workers, 0) / others.length;
  const rate = each * last.workers;
  const note = (value: number): string => `measured ${value.toFixed(2)}`;
  const name = `model from the others, ${last.workers} workers`;
  return [
    { name, value: rate, unit: 'groups/s', note: note(last.groupsPerSecond) },
    { name: '  daemon', value: daemon.fixed + daemon.group * rate, unit: 'cores', note: note(last.daemon) },
    { name: '  NATS', value: nats.fixed + nats.group * rate, unit: 'cores', note: note(last.nats) },
  ];
}

function modelRows(costs: Costs): Row[] {
  const { daemon, nats } = costs;
  return [
    {
      name: 'a group, daemon',
      value: 1000 * daemon.group,
      unit: 'ms',
      note: `and ${(100 * daemon.fixed).toFixed(1)} % of a core at rest`,
    },
    { name: 'a group, NATS', value: 1000 * nats.group, unit: 'ms' },
    {
      name: 'a heartbeat, daemon',
      value: 1000 * daemon.beat,
      unit: 'ms',
      note: `NATS ${(1000 * nats.beat).toFixed(3)}`,
    },
    { name: 'a MB of weights, daemon', value: 1000 * daemon.megabyte, unit: 'ms' },
    ...resources(costs, ASSUMED)
      .toSorted((a, b) => fullAt(a) - fullAt(b))
      .map((resource): Row => {
        const shares = SAMPLERS.map(
          (samplers) =>
            `${samplers}: ${(100 * shareAt(resource, samplers)).toLocaleString('en-US', { maximumSignificantDigits: 2 })} %`,
        );
        return {
          name: `${resource.name} is full at`,
          value: fullAt(resource),
          unit: 'samplers',
          note: shares.join(', '),
        };
      }),
  ];
}

async function bench(): Promise<void> {
  const counts = values.workers.split(',').map(Number);
  if (counts.length < 3) throw new Error('--workers needs three numbers or more: the model is fitted to them');
  const most = Math.max(...counts);
  const measured: Stretch[] = [];
  const rows: Row[] = [];
  for (const workers of counts) {
    const each = await measure({ workers, milliseconds: Number(values.milliseconds) });
    measured.push(each);
    rows.push(...rowsOf(`${workers} worker${workers === 1 ? '' : 's'}`, each));
  }
  const peak = await measure({ workers: most, milliseconds: 0 });
  rows.push(...rowsOf(`${most} workers that do not sleep`, peak), ...peakRows(peak));
  const heavy = await measure({ workers: most, milliseconds: Number(values.milliseconds), weightBytes: WEIGHT_BYTES });
  const beat = await measureBeats();
  rows.push(...checkOf(measured, beat), ...modelRows(costsOf(measured, beat, megabyteOf(heavy, measured))));
  console.log(table(rows));
}

function peakRows({ groupsPerSecond, daemon }: Stretch): Row[] {
  return [
    { name: '  a minute', value: 60 * groupsPerSecond, unit: 'groups/min', target: TARGET_PER_MINUTE },
    {
      name: "  a minute of the daemon's processor time",
      value: (60 * groupsPerSecond) / daemon,
      unit: 'groups/min',
      target: TARGET_PER_MINUTE,
    },
  ];
}

/** Processor seconds of the daemon for a MB of weights: what larger versions add, over the MB that workers read. */
function megabyteOf(heavy: Stretch, measured: readonly Stretch[]): number {
  const { fixed, group } = costsOf(measured, { daemon: 0, nats: 0 }, 0).daemon;
  const added = heavy.daemon - fixed - group * heavy.groupsPerSecond;
  return Math.max(0, added) / ((heavy.versionsPerSecond * heavy.workers * WEIGHT_BYTES) / 1e6);
}

if (values.profile === undefined) await bench();
else
  console.log(table(rowsOf('with a profile', await measure({ workers: 8, milliseconds: 0, profile: values.profile }))));
