/**
 * What the dashboard costs the loop: steps a minute of one daemon while nobody looks, while one page is open, and while fifty are, one of
 * which reads nothing. The three take turns within one run, and only ratios of neighbours count, so that a machine that slows down slows
 * down all three.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { askDaemon } from '../src/cli/control-client.ts';
import { NoDaemonError } from '../src/cli/errors.ts';
import { encode } from '../src/protocol/codec.ts';
import { FRAMES_VERSION } from '../src/protocol/frames.ts';
import type { Status } from '../src/protocol/status.ts';
import { openStore } from '../src/store/open-store.ts';
import { median, type Row } from './measure.ts';

const CLIENTS = [0, 1, 50] as const;
const POLL_MILLISECONDS = 500;
const LIMIT_MILLISECONDS = 60 * 60 * 1000;

/** Each step then samples and learns from as many groups as any other, with a policy that stays what it is. */
const SAME_WORK = ['filters.dropAllAgree=false', 'filters.dropNoBox=false', 'filters.shareFloor=0', 'learner.learningRate=0.000000000001'];

/** Learner steps `from ..= to` while so many pages were open. */
interface Stretch {
  readonly clients: number;
  readonly from: number;
  readonly to: number;
  /** Of all the daemon's threads, in seconds, in that time. */
  readonly cpu: number;
  /** Seconds in which the daemon's main thread was not idle in that time: all that pages can cost is in them. */
  readonly active: number;
}

/** @param rounds of all three. @param steps learner steps of each. */
export async function benchDashboard(root: string, model: string, rounds: number, steps: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'quorum-bench-'));
  const run = join(folder, 'run');
  const settings = ['dashboard.port=0', 'evaluation.everySteps=100000', 'evaluation.fullQuestions=10', 'evaluation.questions=10', ...SAME_WORK];
  const options = ['--model', model, '--run', run, ...settings.flatMap((set) => ['--set', set])];
  const daemon = spawn(process.execPath, [join(root, 'bin/quorum.js'), 'start', ...options], { stdio: 'ignore', timeout: LIMIT_MILLISECONDS });
  const ended = once(daemon, 'exit');
  try {
    const { dashboard } = await statusWhen(run, ({ version }) => version > 0, ended);
    if (dashboard === undefined) throw new Error('the daemon has no dashboard');
    const stretches: Stretch[] = [];
    for (let round = 0; round < rounds; round++) {
      // The order turns, so that none of them always comes first.
      for (let i = 0; i < CLIENTS.length; i++) stretches.push(await measure(run, dashboard, CLIENTS[(round + i) % CLIENTS.length]!, steps, ended));
    }
    await askDaemon(run, { type: 'stop' }, 600);
    await ended;
    return rowsOf(run, stretches, rounds, steps);
  } finally {
    daemon.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(run: string, address: string, clients: number, steps: number, ended: Promise<unknown>): Promise<Stretch> {
  const pages = await Promise.all(Array.from({ length: clients }, () => openPage(address)));
  if (pages.length > 1) pages[0]!.pause();
  try {
    const { version } = await statusWhen(run, () => true, ended);
    // The step in hand began before the pages were open.
    const from = version + 1;
    await statusWhen(run, (status) => status.version >= from, ended);
    const before = await spent(address);
    await statusWhen(run, (status) => status.version >= from + steps, ended);
    const after = await spent(address);
    return { clients, from, to: from + steps, cpu: after.cpu - before.cpu, active: after.active - before.active };
  } finally {
    for (const page of pages) page.terminate();
  }
}

async function spent(address: string): Promise<{ readonly cpu: number; readonly active: number }> {
  const metrics = await (await fetch(new URL('/metrics', address))).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(metrics)?.[1]);
  return { cpu: value('quorum_process_cpu_seconds_total'), active: value('quorum_event_loop_active_seconds_total') };
}

/** Asks for what the first page of the dashboard asks for, then takes every update. */
async function openPage(address: string): Promise<WebSocket> {
  const { host, origin } = new URL(address);
  const page = new WebSocket(`ws://${host}/ws`, { origin, perMessageDeflate: false });
  page.on('message', () => {});
  await once(page, 'open');
  page.send(encode({ type: 'hello', v: FRAMES_VERSION }));
  page.send(encode({ type: 'request', id: 1, method: 'history', params: { maxPoints: 1000 } }));
  page.send(encode({ type: 'request', id: 2, method: 'groups', params: { filter: {}, limit: 20 } }));
  return page;
}

async function statusWhen(run: string, condition: (status: Status) => boolean, ended: Promise<unknown>): Promise<Status> {
  const gone = ended.then(() => 'gone' as const);
  for (;;) {
    const reply = await askDaemon(run, { type: 'status' }, 60).catch((error: unknown) => {
      if (error instanceof NoDaemonError) return undefined; // it is still starting
      throw error;
    });
    if (reply?.type === 'status' && condition(reply.status)) return reply.status;
    if ((await Promise.race([pause(POLL_MILLISECONDS), gone])) === 'gone') throw new Error('the daemon ended before the measurement did');
  }
}

/** Times are those at which the versions were stored, not those at which somebody asked. */
function rowsOf(run: string, stretches: readonly Stretch[], rounds: number, steps: number): Row[] {
  using store = openStore(join(run, 'quorum.db'));
  const savedAt = new Map(store.versions(100_000).map(({ n, savedAt: at }) => [n, at]));
  const seconds = ({ from, to }: Stretch) => (savedAt.get(to)! - savedAt.get(from)!) / 1000;
  const columns = CLIENTS.map((clients) => stretches.filter((stretch) => stretch.clients === clients));
  const [alone] = columns;
  /** Geometric mean of what each round says against the same round with no page, and its standard error. */
  const against = (column: readonly Stretch[], of: (stretch: Stretch) => number) => {
    const logs = column.map((stretch, round) => Math.log(of(alone![round]!) / of(stretch)));
    const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
    const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (logs.length - 1);
    return { value: Math.exp(mean), note: `standard error ${(100 * Math.sqrt(variance / logs.length)).toFixed(1)} %` };
  };
  return CLIENTS.flatMap((clients, i): Row[] => {
    const column = columns[i]!;
    const pages = `${clients} pages open${clients > 1 ? ', one of them reading nothing' : ''}`;
    const rate = { name: `loop with ${pages}`, value: median(column.map((stretch) => (60 * steps) / seconds(stretch))), unit: 'steps/min' };
    const cpu = { name: 'processor time of the daemon', value: median(column.map((stretch) => stretch.cpu / steps)), unit: 's/step' };
    const active = { name: 'main thread of the daemon', value: median(column.map((stretch) => stretch.active / steps)), unit: 's/step' };
    const cost = {
      name: 'main thread, more than with none, over all processor time',
      value: (100 * (active.value - median(alone!.map((each) => each.active / steps)))) / cpu.value,
      unit: '%',
      target: 2,
    };
    const note = `${rounds} rounds of ${steps} steps`;
    if (clients === 0) return [{ ...rate, note }, cpu, active];
    return [
      { ...rate, note },
      { name: 'its steps/min over those of the loop with none', unit: 'x', target: 0.98, ...against(column, seconds) },
      cpu,
      { name: 'processor time of the loop with none over its', unit: 'x', ...against(column, (stretch) => stretch.cpu) },
      active,
      cost,
    ];
  });
}
