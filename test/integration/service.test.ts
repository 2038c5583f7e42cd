/** What a service manager, a terminal and an operator do to a daemon, with real processes. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { askDaemon } from '../../src/cli/control-client.ts';
import { openStore } from '../../src/store/open-store.ts';
import { findDaemon } from '../../src/store/run-folder.ts';
import { nodeArguments } from '../support/script.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { toyRun } from '../support/toy-run.ts';

const TOY_QUORUM = [process.execPath, ...nodeArguments(new URL('../support/toy-quorum.ts', import.meta.url))];
const HELD = [process.execPath, ...nodeArguments(new URL('../support/held-child.ts', import.meta.url))];
const QUICK = [
  'dashboard.port=null',
  'guardian.mode=off',
  'evaluation.fullQuestions=4',
  'evaluation.questions=4',
  'evaluation.k=2',
  'sampling.samples=4',
  'loop.batchGroups=2',
];
const TIMEOUT = 240_000;

/** A configuration for the toy in a file, and the run folder that it names. */
function toyFiles(): { readonly config: string; readonly run: string } {
  const { folder, config } = toyRun({ loop: { batchGroups: 4, jobQuestions: 2, maxStaleness: 1 } }, temporaryFolder());
  const file = join(folder, 'quorum.config.json');
  writeFileSync(file, JSON.stringify(config));
  return { config: file, run: config.runFolder };
}

function launch(command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function linesOf(child: ChildProcess): Interface {
  return createInterface({ input: child.stdout! });
}

/** The first line from now on that `wanted` accepts. */
function line(lines: Interface, wanted: (line: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (each: string): void => {
      if (!wanted(each)) return;
      lines.off('line', look);
      resolve(each);
    };
    lines.on('line', look).once('close', () => reject(new Error('the output ended before the line came')));
  });
}

const step = (lines: Interface): Promise<string> => line(lines, (each) => /"version":[1-9]/.test(each));

/** Whatever version it was stopped at is saved, and its last word is that it stopped. */
function expectSaved(run: string): void {
  using store = openStore(join(run, 'quorum.db'));
  const { n } = store.latestVersion()!;
  expect(n).toBeGreaterThan(0);
  expect(readdirSync(join(run, 'checkpoints'))).toContain(`v${String(n).padStart(6, '0')}`);
  const log = readFileSync(join(run, 'log', 'quorum.log'), 'utf8')
    .trim()
    .split('\n');
  expect(JSON.parse(log.at(-1)!)).toMatchObject({ msg: 'stopped', version: n });
  expect(findDaemon(run)).toBeUndefined();
}

const lacks = (...programs: string[]): boolean =>
  programs.some((program) => spawnSync('which', [program]).status !== 0);

test.skipIf(process.platform === 'win32')(
  'stopped for longer than its deadlines and continued, a run continues: no restart, nothing tried twice',
  async () => {
    const config = {
      loop: { steps: 5, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
      timeouts: { sampleSeconds: 3, learnSeconds: 3, judgeSeconds: 1 },
    };
    const child = launch([...HELD, temporaryFolder(), JSON.stringify(config)]);
    const [lines, complaints] = [linesOf(child), text(child.stderr!)];
    await line(lines, (each) => each === 'held');
    child.kill('SIGSTOP');
    // Nothing tells of time that passes in a stopped process; it has to pass.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    child.kill('SIGCONT');
    const last = line(lines, (each) => each.startsWith('{'));
    child.stdin!.write('go\n');
    expect(JSON.parse(await last)).toMatchObject({ end: 'steps', steps: 5, restarts: 0 });
    expect(await complaints).toBe('');
  },
  TIMEOUT,
);

test.skipIf(process.platform === 'win32')(
  'start --detach comes back when the daemon is up, which a hang-up does not touch; bad arguments, a late start and a second daemon get the reason',
  async () => {
    const { config, run } = toyFiles();
    const detach = async (...args: string[]): Promise<readonly [number, string, string]> => {
      const child = launch([...TOY_QUORUM, 'start', '--config', config, ...args, '--detach']);
      const [[code], out, errors] = await Promise.all([once(child, 'close'), text(child.stdout!), text(child.stderr!)]);
      return [code as number, out, errors];
    };
    const badly = detach('--run', `${run}-bad`, '--set', 'data.trainFile=no/such/file.jsonl');
    const late = detach('--run', `${run}-late`, '--set', 'timeouts.openSeconds=0.1');
    const [code, out, errors] = await detach();
    expect(await badly).toEqual([2, '', expect.stringMatching(/^error: .*no\/such\/file/)]);
    expect(existsSync(`${run}-bad`)).toBe(false);
    expect(await late).toEqual([
      1,
      '',
      expect.stringMatching(/^error: the daemon \(process \d+\) was not up after 0.2 s, twice timeouts.openSeconds, /),
    ]);
    expect(findDaemon(`${run}-late`)).toBeUndefined();
    const pid = findDaemon(run)?.pid ?? Number.NaN;
    onTestFinished(() => {
      if (findDaemon(run)?.pid === pid) process.kill(pid, 'SIGKILL');
    });
    expect([code, errors]).toEqual([0, '']);
    expect(out.split('\n').slice(0, 2)).toEqual([
      `The daemon runs in the background as process ${pid}.`,
      `  run folder  ${run}`,
    ]);
    expect(out).toContain(`stop it     quorum stop --run ${run}`);

    process.kill(pid, 'SIGHUP');
    expect(await detach()).toEqual([2, '', expect.stringContaining(`in use by another Quorum daemon (process ${pid}`)]);
    const stopped = await askDaemon(run, { type: 'stop' }, 60);
    expect(stopped).toMatchObject({ type: 'stopped', report: { end: 'stopped' } });
  },
  TIMEOUT,
);

test.skipIf(process.platform === 'win32' || lacks('systemd-notify', 'systemd-socket-activate'))(
  'under a service manager: ready, alive, a hang-up ignored, and SIGTERM is a clean stop with everything saved and code 0',
  async () => {
    const { config, run } = toyFiles();
    const socket = join(temporaryFolder(), 'notify');
    const manager = launch(['systemd-socket-activate', '--datagram', '--listen', socket, 'sh', '-c', 'exec cat <&3']);
    await line(createInterface({ input: manager.stderr! }), (each) => each.startsWith('Listening'));
    let heard = '';
    const times = (word: string): number => heard.split(word).length - 1;
    const isAlive = new Promise<void>((resolve) =>
      manager.stdout!.setEncoding('utf8').on('data', (words: string) => {
        heard += words;
        if (times('WATCHDOG=1\nSTATUS=running') >= 3) resolve();
      }),
    );

    const daemon = launch([...TOY_QUORUM, 'start', '--config', config, '--json'], {
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '1000000',
    });
    const [closed, lines, complaints] = [once(daemon, 'close'), linesOf(daemon), text(daemon.stderr!)];
    await step(lines);
    daemon.kill('SIGHUP');
    await step(lines);
    await isAlive;
    const last = line(lines, (each) => each.startsWith('{"type":"report"'));
    daemon.kill('SIGTERM');
    expect(JSON.parse(await last)).toMatchObject({ end: 'stopped' });
    expect([await closed, await complaints]).toEqual([[0, null], '']);
    expectSaved(run);
    const where = ['READY=1', 'STATUS=running, version', 'STOPPING=1', 'STATUS=stopped, version'].map((word) =>
      heard.indexOf(word),
    );
    expect(where).toEqual(where.toSorted((a, b) => a - b));
    expect(where).not.toContain(-1);
    expect(times('READY=1')).toBe(1);
  },
  TIMEOUT,
);

test(
  'after the reader of stdout closes it the run continues, logs it, and ends cleanly at a stop',
  async () => {
    const { config, run } = toyFiles();
    const daemon = launch([...TOY_QUORUM, 'start', '--config', config, '--json']);
    const closed = once(daemon, 'close');
    const lines = linesOf(daemon);
    await step(lines);
    daemon.stdout!.destroy();
    const version = async () => {
      const reply = await askDaemon(run, { type: 'status' }, 60);
      return reply.type === 'status' ? reply.status.version : Number.NaN;
    };
    const before = await version();
    while ((await version()) < before + 3);
    expect(await askDaemon(run, { type: 'stop' }, 60)).toMatchObject({ type: 'stopped', report: { end: 'stopped' } });
    expect(await closed).toEqual([0, null]);
    expectSaved(run);
    const log = readFileSync(join(run, 'log', 'quorum.log'), 'utf8');
    expect(log).toContain('what reads the output of this process is gone (EPIPE)');
  },
  TIMEOUT,
);

test.skipIf(process.platform !== 'linux' || lacks('script', 'tail'))(
  'on a terminal that goes away, a run stops cleanly with everything saved',
  async () => {
    const { config, run } = toyFiles();
    const command = [...TOY_QUORUM, 'start', '--config', config].map((word) => `'${word}'`).join(' ');
    const terminal = launch(['script', '--quiet', '--flush', '--return', '--command', `exec ${command}`, '/dev/null'], {
      TERM: 'dumb',
    });
    await line(linesOf(terminal), (each) => /step [1-9]/.test(each));
    const { pid } = findDaemon(run)!;
    const ended = once(launch(['tail', '--sleep-interval=0.1', `--pid=${pid}`, '--follow', '/dev/null']), 'close');
    terminal.kill('SIGKILL');
    await ended;
    expectSaved(run);
  },
  TIMEOUT,
);

test('a daemon that a test started does not outlive the process of the test, however that ends', async () => {
  const { config } = toyFiles();
  const ofTest = launch([process.execPath, '-e', 'process.stdin.resume()']);
  const daemon = launch([...TOY_QUORUM, 'start', '--config', config, '--json'], {
    QUORUM_TEST_PID: String(ofTest.pid),
  });
  const closed = once(daemon, 'close');
  await step(linesOf(daemon));
  ofTest.kill('SIGKILL');
  expect(await closed).toEqual([null, 'SIGKILL']);
}, 240_000);

const NOBODY = '65534';
const AS_NOBODY = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--no-new-privs',
  '--bounding-set=-all',
];

/**
 * Whether this process may do what a container's runtime does, and somebody without rights may read the sources and run
 * Node.
 */
function canConfine(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || lacks('unshare', 'setpriv')) return false;
  const readsPackage = [process.execPath, '-e', `require(${JSON.stringify(resolve('package.json'))})`];
  const tries = [
    ['unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'],
    [...AS_NOBODY, ...readsPackage],
  ];
  return tries.every(([program, ...args]) => spawnSync(program!, args).status === 0);
}

test.skipIf(!canConfine())(
  'as a user without rights on a read-only file system, it needs its run folder and a temporary one, and no more',
  async () => {
    const run = join(temporaryFolder(), 'run');
    mkdirSync(run);
    chownSync(run, Number(NOBODY), Number(NOBODY));
    const confine = `set -e
mount --bind "$0" /mnt
mount --bind "$1" /srv
mount -t tmpfs tmpfs /tmp
mount -o remount,bind,ro /mnt
mount -o remount,bind,ro /
cd /mnt
shift
exec "$@"`;
    const settings = QUICK.flatMap((setting) => ['--set', setting]);
    const quorum = [process.execPath, 'bin/quorum.js', 'start', '--run', '/srv', '--steps', '1', '--json', ...settings];
    const daemon = launch(['unshare', '--mount', 'sh', '-c', confine, resolve('.'), run, ...AS_NOBODY, ...quorum], {
      HOME: '/nonexistent',
      TMPDIR: '/tmp',
    });
    const [[code], out, errors] = await Promise.all([
      once(daemon, 'close'),
      text(daemon.stdout!),
      text(daemon.stderr!),
    ]);
    expect([code, errors]).toEqual([0, '']);
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toMatchObject({ type: 'report', end: 'steps', steps: 1 });
    expect(existsSync(join(run, 'model', 'model.safetensors'))).toBe(true);
  },
  TIMEOUT,
);
