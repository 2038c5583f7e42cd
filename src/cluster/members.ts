/** The workers of a cluster as the daemon knows them: by their heartbeats, and by the groups that they send. */
import type { WorkerStatus } from '../protocol/status.ts';
import { LastMinute } from '../lib/last-minute.ts';
import { keyOf, type Beat, type Orders, type Role } from './wire.ts';

interface Member {
  readonly beat: Beat;
  /** Milliseconds since 1970 of its last heartbeat, for readers only: that clock may jump by an hour. */
  readonly at: number;
  /** The same by `performance.now`. */
  readonly heard: number;
  readonly order: Orders['order'];
  readonly why?: string | undefined;
  /** Groups that were taken from it lately. */
  readonly recent: LastMinute;
  readonly groups: number;
  /** Passes whose gradients were taken from it. */
  readonly passes: number;
  /** Checks of its work, by role. */
  readonly checked: Readonly<Record<Role, number>>;
  /** Whether `fallenSilent` has named it since its last heartbeat. */
  readonly isSilent?: boolean;
}

/** A worker without a heartbeat for this time has left. */
const SILENT_MILLISECONDS = 8_000;
/** A worker without a heartbeat for this time loses its name to another process that asks for it. */
const NAME_MILLISECONDS = 4_000;
/** A worker that has left stays in the list for this time. */
const LISTED_MILLISECONDS = 600_000;
const MOST = 4_096;
const NONE: Readonly<Record<Role, number>> = { sampler: 0, learner: 0 };

export class Members {
  readonly #members = new Map<string, Member>();
  /** The process that has the name, by name: of several the first, until it leaves or falls silent. */
  readonly #owners = new Map<string, string>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns what it is to do, and what is new about it. */
  beat(beat: Beat): { readonly order: Orders['order']; readonly why?: string | undefined; readonly news?: string } {
    const key = keyOf(beat);
    const owner = this.#namesake(beat);
    if (owner) {
      const has = `${owner.name} on ${owner.host} (process ${owner.pid}) has this name`;
      return { order: 'wait', why: has, ...(beat.leaving && { news: `left: ${has}` }) };
    }
    const known = this.#members.get(key);
    if (!known && this.#members.size >= MOST) return { order: 'park', why: `${MOST} workers are here already` };
    const { order = 'work', why } = known ?? {};
    const { recent = new LastMinute(), groups = 0, passes = 0, checked = NONE } = known ?? {};
    const [at, heard] = [Date.now(), this.#now()];
    const counts = { recent, groups, passes, checked };
    this.#members.set(key, { ...counts, beat, at, heard, order, ...(why !== undefined && { why }) });
    this.#owners.set(beat.name, key);
    const news = newsOf(known, beat);
    return { order, why, ...(news !== undefined && { news }) };
  }

  /** The other process that has the name of this one. */
  #namesake({ name, id }: Beat): Beat | undefined {
    const owner = this.#owners.get(name);
    const { beat, heard } = this.#members.get(owner ?? '') ?? {};
    const isGone = !beat || beat.leaving || this.#now() - heard! > NAME_MILLISECONDS;
    return isGone || owner === keyOf({ name, id }) ? undefined : beat;
  }

  /** Workers that have fallen silent, each once. @param since by `performance.now`, from when on they can be heard. */
  fallenSilent(since: number): readonly Pick<Beat, 'name' | 'host'>[] {
    const silent = [...this.#members].filter(
      ([, { beat, heard, isSilent }]) =>
        !beat.leaving && isSilent !== true && this.#now() - Math.max(heard, since) > SILENT_MILLISECONDS,
    );
    for (const [id, member] of silent) this.#members.set(id, { ...member, isSilent: true });
    return silent.map(([, { beat }]) => beat);
  }

  /** Counts groups that were taken from it. */
  countGroups(id: string, groups: number): void {
    const member = this.#members.get(id);
    if (!member) return;
    member.recent.add(this.#now(), groups);
    this.#members.set(id, { ...member, groups: member.groups + groups });
  }

  /** Counts a pass whose gradient was taken from it. */
  countPass(id: string): void {
    const member = this.#members.get(id);
    if (member) this.#members.set(id, { ...member, passes: member.passes + 1 });
  }

  /** Whether to check what this worker gave in a role: the first time always, later a share of the times. */
  isDue(role: Role, id: string, share: number, draw: number): boolean {
    const member = this.#members.get(id);
    if (!member || share === 0) return false;
    const { checked } = member;
    if (checked[role] > 0 && draw >= share) return false;
    this.#members.set(id, { ...member, checked: { ...checked, [role]: checked[role] + 1 } });
    return true;
  }

  /** The worker gets no more leases. @returns its name. */
  park(id: string, why: string): string | undefined {
    const member = this.#members.get(id);
    if (member) this.#members.set(id, { ...member, order: 'park', why });
    return member?.beat.name;
  }

  isParked(id: string): boolean {
    return this.#members.get(id)?.order === 'park';
  }

  /** @returns whether a worker of this name is there. */
  drain(name: string): boolean {
    const id = this.#owners.get(name) ?? '';
    const member = this.#members.get(id);
    if (!member || this.#isGone(member)) return false;
    if (member.order === 'work') this.#members.set(id, { ...member, order: 'drain' });
    return true;
  }

  /** Whether a worker can take a lease of this role now. @param setup that it must have. */
  can(role: Role, setup: string): boolean {
    return [...this.#members.keys()].some((id) => this.devicesThat(role, id, setup) > 0);
  }

  /** Leases of this role that the worker can have in hand now. @param setup that it must have. */
  devicesThat(role: Role, id: string, setup: string): number {
    const member = this.#members.get(id);
    if (member?.order !== 'work' || this.#isGone(member)) return 0;
    const { beat } = member;
    return beat.setup === setup && beat.roles.includes(role) ? beat.devices.length : 0;
  }

  isHere(id: string): boolean {
    const member = this.#members.get(id);
    return member !== undefined && !this.#isGone(member);
  }

  nameOf(id: string): string {
    return this.#members.get(id)?.beat.name ?? id;
  }

  /** Leases that a worker says it has in hand. */
  held(): ReadonlySet<string> {
    return new Set([...this.#members.values()].flatMap((member) => (this.#isGone(member) ? [] : member.beat.holds)));
  }

  list(setup: string): readonly WorkerStatus[] {
    const now = this.#now();
    for (const [id, { heard }] of this.#members) if (now - heard > LISTED_MILLISECONDS) this.#members.delete(id);
    for (const [name, id] of this.#owners) if (!this.#members.has(id)) this.#owners.delete(name);
    return [...this.#members.values()].map(({ beat, at, heard, order, why, groups, passes, recent }) => ({
      name: beat.name,
      host: beat.host,
      pid: beat.pid,
      devices: beat.devices,
      roles: beat.roles,
      version: beat.version,
      holds: beat.holds.length,
      sentBytes: beat.sentBytes,
      receivedBytes: beat.receivedBytes,
      groups,
      passes,
      groupsPerSecond: recent.sum(now) / 60,
      at,
      state: stateOf(beat, order, setup, now - heard),
      ...(why !== undefined && { why }),
    }));
  }

  #isGone({ beat, heard }: Member): boolean {
    return beat.leaving || this.#now() - heard > SILENT_MILLISECONDS;
  }
}

function newsOf(known: Member | undefined, { leaving, devices }: Beat): string | undefined {
  if (leaving) return known?.beat.leaving === true ? undefined : 'left';
  if (!known) return `joined with ${devices.join(', ')}`;
  return known.isSilent === true ? 'is back' : undefined;
}

function stateOf(beat: Beat, order: Orders['order'], setup: string, silent: number): WorkerStatus['state'] {
  if (order === 'park') return 'parked';
  if (beat.leaving || silent > SILENT_MILLISECONDS) return 'left';
  if (order === 'drain') return 'draining';
  return beat.setup === setup ? 'working' : 'opening';
}
