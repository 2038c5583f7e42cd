/** `worker` samples and computes gradients for a daemon on another machine. */
import { Command, Option } from 'commander';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';
import { CancelledError, InputError } from '../../protocol/errors.ts';
import { tryLock } from '../../store/lock.ts';
import { onInterrupt } from '../interrupt.ts';

interface Options {
  readonly join: string;
  readonly roles: string;
  readonly devices: string;
  readonly name?: string;
  readonly cluster: string;
  readonly cache?: string;
}

const HELP = `
It may start before the daemon, be killed at any moment, and join again: the daemon gives its jobs to others. Ctrl-C and SIGTERM finish the jobs in hand.
The model and its versions come from the daemon, by their hash, and are kept in the cache folder.

Credentials of NATS come from the environment: QUORUM_NATS_CREDENTIALS (a file), QUORUM_NATS_TOKEN, or QUORUM_NATS_USER and QUORUM_NATS_PASSWORD;
for TLS with certificates of your own, QUORUM_NATS_CA, QUORUM_NATS_CERTIFICATE and QUORUM_NATS_KEY (files).

Examples:
  quorum worker --join nats://10.0.0.5:4222
  quorum worker --join tls://nats.example.org:4222 --devices cuda:0,cuda:1 --name gpu-host
  quorum worker --join nats://10.0.0.5:4222 --roles sampler,learner --devices cuda:0`;

export function workerCommand(): Command {
  return new Command('worker')
    .description('Sample, or compute gradients, for a daemon on another machine, until told to stop.')
    .requiredOption('--join <address>', 'address of the NATS server of the daemon (its cluster.nats)')
    .option('--roles <list>', 'what it does: sampler, learner (computes gradients), or both', 'sampler')
    .option('--devices <list>', 'cpu, cuda, cuda:0, ...; at most one job of each role on each at a time', 'cpu')
    .addOption(
      new Option('--name <name>', 'letters, digits, - and _; each worker of a cache has its own').default(
        undefined,
        'that of the machine',
      ),
    )
    .option('--cluster <name>', "the daemon's cluster.name", 'quorum')
    .addOption(
      new Option('--cache <folder>', 'folder of models and pictures').default(undefined, '~/.cache/quorum/worker'),
    )
    .addHelpText('after', HELP)
    .action(work);
}

async function work({ join: address, roles, devices, name, cluster, cache }: Options): Promise<void> {
  const [{ Worker }, { NAME, ROLES }, { cacheFolder }] = await Promise.all([
    import('../../cluster/worker.ts'),
    import('../../cluster/wire.ts'),
    import('../../lib/cache-folder.ts'),
  ]);
  const named = roles.split(',').map((each) => each.trim());
  const does = ROLES.filter((role) => named.includes(role));
  if (does.length === 0 || does.length < named.length)
    throw new InputError(`--roles ${roles}: expected ${ROLES.join(', ')}, or both with a comma`);
  const called =
    name ??
    hostname()
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 64);
  for (const [option, value] of [
    ['--name', called],
    ['--cluster', cluster],
  ] as const)
    if (!NAME.test(value)) throw new InputError(`${option} ${value}: expected 1 to 64 letters, digits, - and _`);
  const options = {
    join: address,
    cluster,
    name: called,
    roles: does,
    devices: parseDevices(devices),
    cache: cache ?? cacheFolder('worker'),
    say: (text: string) => console.log(`${new Date().toISOString()} ${called} ${text}`),
  };
  await checkDevices(options.devices);
  claimCache(options.cache, called);
  const stopped = onInterrupt(() => {});
  const worker = await Worker.start({ ...options, signal: stopped }).catch((error: unknown) => {
    if (!(error instanceof CancelledError)) throw error;
  });
  if (!worker) return;
  const drain = (): void => worker.drain('it was told to stop');
  if (stopped.aborted) drain();
  else stopped.addEventListener('abort', drain);
  await worker.run();
}

/** Workers of one name would write the same files. @throws InputError while another process has the name. */
function claimCache(cache: string, name: string): void {
  try {
    makeFolder(cache, 0o700);
  } catch (error) {
    throw new InputError(`--cache ${cache}: the folder cannot be made: ${(error as Error).message}`, { cause: error });
  }
  // The process keeps the lock until it ends.
  if (!tryLock(join(cache, `${name}.lock`)))
    throw new InputError(`--name ${name}: another worker with the cache ${cache} has this name: give another --name`);
}

type Device = 'cpu' | 'cuda' | `cuda:${string}`;

/** @throws InputError for a GPU that this machine cannot use, before the worker joins and fetches a model. */
async function checkDevices(devices: readonly Device[]): Promise<void> {
  const gpus = new Set(devices.filter((name) => name !== 'cpu'));
  if (gpus.size === 0) return;
  const { probeEngine } = await import('../../compute/engine/engines.ts');
  for (const name of gpus) {
    const { usable, detail } = await probeEngine(name);
    if (!usable)
      throw new InputError(
        `--devices ${name}: this machine cannot use it: ${detail}; name GPUs that \`quorum doctor\` finds, or cpu`,
      );
  }
}

function parseDevices(list: string): Device[] {
  const devices = list.split(',').map((each) => each.trim());
  const wrong = devices.find((each) => !/^(?:cpu|cuda|cuda:\d+)$/.test(each));
  if (wrong !== undefined || devices.length > 256)
    throw new InputError(`--devices ${list}: expected a list of cpu, cuda and cuda:N, such as cuda:0,cuda:1`);
  return devices as Device[];
}
