/** A daemon that does only what a test tells it, on a real store: the other end of `DashboardSource`. */
import { join } from 'node:path';
import { BehaviorSubject, Observable, Subject } from 'rxjs';
import { onTestFinished } from 'vitest';
import type { PluginRow } from '../../../../src/protocol/plugins.ts';
import type { DashboardSource } from '../../../../dashboards/server/source.ts';
import { InputError } from '../../../../src/protocol/errors.ts';
import type { Command } from '../../../../src/protocol/commands.ts';
import type { ActorDetail, LiveSetting, PanelCard } from '../../../../src/protocol/frames.ts';
import type { JudgedGroup, Picture } from '../../../../src/protocol/messages.ts';
import type { LoopEvent } from '../../../../src/protocol/ports.ts';
import type { Status } from '../../../../src/protocol/status.ts';
import { openStore } from '../../../../src/store/open-store.ts';
import type { Store } from '../../../../src/store/store.ts';
import { RUNNING } from '../../../cli/view/status.ts';
import { group, metrics, verdict } from '../../../store/messages.ts';
import { temporaryFolder } from '../../../support/temporary.ts';

const T0 = Date.UTC(2026, 0, 1, 12, 0, 0);
const PICTURE: Picture = { width: 3, height: 2, channels: 3, data: Uint8Array.from({ length: 18 }, (_, i) => 14 * i) };

const ACTOR: ActorDetail = {
  id: 'learner',
  role: 'learner',
  charts: [
    { machine: 'learner', states: ['idle', 'working'], active: 'idle', transitions: [['idle', 'WORK', 'working']] },
  ],
  failures: [{ at: 1, message: 'no memory left', stack: 'Error: no memory left\n    at learn' }],
};

const SETTING: LiveSetting = {
  path: 'learner.learningRate',
  value: 5e-5,
  min: 0,
  max: 1,
  integer: false,
  unit: '',
  help: 'Learning rate.',
};

export class FakeDaemon implements DashboardSource {
  readonly folder = temporaryFolder();
  readonly stored: Store = openStore(join(this.folder, 'quorum.db'));
  readonly statuses = new BehaviorSubject<Status>(RUNNING);
  readonly events = new Subject<LoopEvent>();
  readonly commands: { readonly command: Command; readonly author: string }[] = [];
  /** Name of a store's method -> how often it was called. */
  readonly calls = new Map<string, number>();
  readonly versionFolders = new Map<number, string>();
  /** Pictures that were decoded. */
  decoded = 0;
  /** Times that somebody began to listen to the status. */
  listened = 0;
  /** What the next command does. */
  obey: () => Promise<string | undefined> = () => Promise.resolve(undefined);
  readonly store: DashboardSource['store'];

  constructor() {
    const { calls } = this;
    this.store = new Proxy(this.stored, {
      get(store, name: Exclude<keyof Store, symbol>) {
        const member = store[name];
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          calls.set(name, (calls.get(name) ?? 0) + 1);
          return (member as (...args: unknown[]) => unknown).apply(store, args);
        };
      },
    });
    onTestFinished(() => this.stored.close());
  }

  status$(): Observable<Status> {
    return new Observable((subscriber) => {
      this.listened += 1;
      return this.statuses.subscribe(subscriber);
    });
  }

  loop$(): Observable<LoopEvent> {
    return this.events;
  }

  status(): Status {
    return this.statuses.value;
  }

  picture(): Promise<Picture> {
    this.decoded += 1;
    return Promise.resolve(PICTURE);
  }

  pieces(tokens: readonly number[]): readonly string[] {
    return tokens.map((token) => `<${token}>`);
  }

  versionFolder(n: number): string | null {
    return this.versionFolders.get(n) ?? null;
  }

  savedVersions(): ReadonlySet<number> {
    return new Set(this.versionFolders.keys());
  }

  actors(): readonly ActorDetail[] {
    return [ACTOR];
  }

  plugins(): readonly PluginRow[] {
    return [
      {
        name: 'lengths',
        source: './lengths.ts',
        thread: false,
        ports: [{ port: 'panel', actor: 'panel-lengths', state: 'running', restarts: 0 }],
      },
    ];
  }

  panels(): readonly PanelCard[] {
    return [
      { plugin: 'lengths', content: { title: 'Lengths', blocks: [{ type: 'text', text: 'none yet' }] }, error: null },
    ];
  }

  settings(): readonly LiveSetting[] {
    return [SETTING];
  }

  async command(command: Command, author: string): Promise<string | undefined> {
    if (command.type === 'rollback') throw new InputError(`version ${command.version} is not on disk`);
    this.commands.push({ command, author });
    return this.obey();
  }

  /** Admits, samples and judges a group, stores it and tells of it. */
  judge(sequence: number, kept = true): JudgedGroup {
    const judged: JudgedGroup = { group: group(sequence), verdict: verdict(sequence, kept) };
    this.stored.admit([{ sequence, question: judged.group.question }]);
    this.stored.saveGroups([judged.group]);
    this.stored.saveVerdicts([judged.verdict]);
    this.events.next({ type: 'judged', judged });
    return judged;
  }

  /** Learns from kept groups, stores the version and its metrics, and tells of it. */
  learn(n: number, sequences: readonly number[]): void {
    const id = n - 1;
    const version = { n, parent: id, batchId: id, metrics };
    this.stored.saveBatch({ id, parent: id, groupIds: sequences.map((sequence) => `g${sequence}`) });
    this.stored.saveVersion(version);
    this.stored.metric('at', n, T0 + n);
    this.stored.metric('kl', n, n / 100);
    this.events.next({ type: 'learnt', version });
  }

  /** A change that is only in the status. */
  tick(change: Partial<Status> = {}): void {
    this.statuses.next({ ...this.statuses.value, ...change });
  }

  calledStore(): number {
    return [...this.calls.values()].reduce((sum, count) => sum + count, 0);
  }
}
