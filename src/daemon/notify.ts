/**
 * Informs a service manager (sd_notify, `Type=notify` of systemd): ready, status, stopping, and the watchdog's sign of
 * life. The latter comes from a timer of the event loop, and only while no actor is stuck. Node's sockets cannot send
 * the protocol's datagrams, so the program `systemd-notify` does; it takes about 20 ms, a few times a minute at most.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Config } from '../config/schema.ts';
import { serial } from '../lib/serial.ts';
import type { ActorStatus, Phase, Status } from '../protocol/status.ts';
import type { DaemonHandle } from './daemon-handle.ts';

const READY: readonly Phase[] = ['baseline', 'running', 'paused'];
const STOPPING: readonly Phase[] = ['stopping', 'draining', 'stopped', 'failed'];
/** Interval of the status messages, unless a watchdog needs a shorter one. */
const TELL_MILLISECONDS = 30_000;
const SEND_MILLISECONDS = 10_000;
const NEEDS = 'which takes the program systemd-notify, and NotifyAccess=all in the unit';
const LONGEST_STATUS = 400;
/** Extra time beyond the last deadline, for an actor's restart and the cancelling of a thread. */
const GRACE_SECONDS = 60;

export type Send = (assignments: readonly string[]) => Promise<unknown>;

export interface ServiceManager {
  readonly send: Send;
  /** The service manager ends the service after this long a silence; undefined without a watchdog. */
  readonly watchdogMilliseconds: number | undefined;
}

/**
 * Returns the service manager that started this process, if any. It removes the manager's variables from `environment`,
 * so that no thread or child process can report for the daemon.
 */
export function takeServiceManager(environment: NodeJS.ProcessEnv, pid = process.pid): ServiceManager | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched, PATH: path } = environment;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
  if (!socket) return undefined;
  const isWatched = Number(microseconds) > 0 && (watched === undefined || Number(watched) === pid);
  const env = { NOTIFY_SOCKET: socket, ...(path === undefined ? {} : { PATH: path }) };
  return {
    send: (assignments) => promisify(execFile)('systemd-notify', [...assignments], { env, timeout: SEND_MILLISECONDS }),
    watchdogMilliseconds: isWatched ? Number(microseconds) / 1000 : undefined,
  };
}

/** Seconds without progress after which an item has outlived all its deadlines, so its actor is stuck. */
export function longestItemSeconds({ timeouts, sampling }: Pick<Config, 'timeouts' | 'sampling'>): number {
  const judging = timeouts.judgeSeconds * sampling.samples + 1;
  return Math.max(...Object.values(timeouts), judging) + GRACE_SECONDS;
}

/**
 * Finds stuck actors. It counts checks instead of time, so neither a suspended process nor a clock that jumps makes an
 * actor look stuck.
 */
export class StuckActors {
  readonly #looks: number;
  #seen = new Map<string, { readonly item: string; readonly looks: number }>();

  /** @param looks number of successive checks that may find an actor at the same item without progress. */
  constructor(looks: number) {
    this.#looks = looks;
  }

  /** @returns a sentence about a stuck actor; undefined if there is none. */
  look(actors: readonly ActorStatus[]): string | undefined {
    const before = this.#seen;
    const busy = actors.filter(({ state }) => state === 'working');
    this.#seen = new Map(
      busy.map(({ id, doing, since, progressAt = since }) => {
        const item = `${since} ${progressAt} ${doing}`;
        const last = before.get(id);
        return [id, { item, looks: last?.item === item ? last.looks + 1 : 1 }];
      }),
    );
    const stuck = busy.find(({ id }) => this.#seen.get(id)!.looks > this.#looks);
    return stuck && `${stuck.id} is stuck ${stuck.doing}: its deadline did not end that`;
  }
}

export interface Told {
  /** Called once with the reason if the service manager cannot be reached. */
  readonly failed: (reason: string) => void;
  readonly longestItemSeconds: number;
}

/** Informs the service manager until `daemon` has stopped; resolves after the last message. Never rejects. */
export async function keepTold(
  { send, watchdogMilliseconds }: ServiceManager,
  daemon: Pick<DaemonHandle, 'status' | 'status$' | 'closed'>,
  { failed, longestItemSeconds: seconds }: Told,
): Promise<void> {
  const beat = watchdogMilliseconds === undefined ? TELL_MILLISECONDS : watchdogMilliseconds / 2;
  const progress = new StuckActors(Math.ceil((seconds * 1000) / beat) + 1);
  let [hasFailed, isReady, isTelling] = [false, false, false];
  let phase: Phase | undefined;
  const inTurn = serial();
  const deliver = async (assignments: readonly string[]): Promise<void> => {
    isTelling = true;
    try {
      await send(assignments);
    } catch (error) {
      if (!hasFailed)
        failed(`the service manager was not told ${assignments[0]}, ${NEEDS}: ${(error as Error).message.trim()}`);
      hasFailed = true;
    }
    isTelling = false;
  };
  const say = (assignments: readonly string[]): void => void inTurn(() => deliver(assignments));
  const tell = (status: Status, stuck?: string): void => {
    const [ready, stopping] = [READY.includes(status.phase) && !isReady, STOPPING.includes(status.phase)];
    isReady ||= ready;
    say([
      ...(ready ? ['READY=1'] : []),
      ...(stopping ? ['STOPPING=1'] : []),
      // Opening, catching up and saving have deadlines of their own, so extend the manager's.
      ...((stopping || !isReady) && stuck === undefined ? [`EXTEND_TIMEOUT_USEC=${Math.ceil(3000 * beat)}`] : []),
      ...(watchdogMilliseconds !== undefined && stuck === undefined ? ['WATCHDOG=1'] : []),
      `STATUS=${inWords(status, stuck)}`,
    ]);
  };
  const changes = daemon.status$().subscribe((status) => {
    if (status.phase === phase) return;
    phase = status.phase;
    tell(status);
  });
  const timer = setInterval(() => {
    const status = daemon.status();
    const stuck = progress.look(status.actors);
    if (!isTelling) tell(status, stuck);
  }, beat);
  await daemon.closed();
  clearInterval(timer);
  changes.unsubscribe();
  await inTurn(() => Promise.resolve());
}

function inWords({ phase, version, accuracy, labelFree, error }: Status, stuck?: string): string {
  const asBase = accuracy.now === null ? (labelFree?.now?.asBase ?? null) : null;
  const measured = asBase === null ? '' : `, ${(100 * asBase).toFixed(1)} % answered as by the base`;
  const right = accuracy.now === null ? measured : `, accuracy ${(100 * accuracy.now.greedy).toFixed(1)} %`;
  const trouble = stuck ?? error;
  return `${phase}, version ${version}${right}${trouble === undefined ? '' : `; ${trouble}`}`
    .replaceAll(/\s+/g, ' ')
    .slice(0, LONGEST_STATUS);
}
