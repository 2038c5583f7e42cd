import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createProgram } from '../src/cli/program.ts';
import { NATS_VARIABLES } from '../src/cluster/connection.ts';
import { namesOf } from '../src/cluster/queues.ts';
import { parseConfig } from '../src/config/load.ts';
import { applyOverrides } from '../src/config/override.ts';
import { HAS_NATS, NATS_PROGRAM } from './support/nats-server.ts';

type Tree = Readonly<Record<string, unknown>>;

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } };
}

interface Service {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: unknown;
  readonly stop_grace_period?: string;
}

const FILES = readdirSync('deploy', { recursive: true, encoding: 'utf8' })
  .map((name) => join('deploy', name))
  .filter((name) => name.endsWith('.yaml'));
type Compose = { readonly services: Readonly<Record<string, Service>>; readonly volumes: Tree };
const compose = parse(readFileSync('deploy/compose.yaml', 'utf8')) as Compose;
const objects = FILES.filter((name) => name.includes('kubernetes')).flatMap(documents);
const nats = readFileSync('deploy/kubernetes/base/nats.conf', 'utf8');
const page = readFileSync('docs/deploying.md', 'utf8');
const config = parseConfig({});

function documents(file: string): Tree[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    expect([file, document.errors, document.warnings]).toEqual([file, [], []]);
    return document.toJS() as Tree;
  });
}

/** Pod and container of a StatefulSet or Deployment. */
function podOf(kind: string, name: string): { readonly terminationGracePeriodSeconds: number; only: Container } {
  const found = objects.find((each) => each['kind'] === kind && (each['metadata'] as Tree)['name'] === name)!;
  const { spec } = (found['spec'] as { template: { spec: { containers: Container[] } & Tree } }).template;
  expect(spec.containers).toHaveLength(1);
  return { terminationGracePeriodSeconds: Number(spec['terminationGracePeriodSeconds']), only: spec.containers[0]! };
}

/** Every list of strings in a tree, and every single string; patches of Kustomize are YAML in a string. */
function stringsIn(node: unknown, found: string[][] = []): string[][] {
  if (typeof node === 'string') {
    if (node.startsWith('- op:')) stringsIn(parse(node), found);
    else found.push([node]);
  } else if (Array.isArray(node) && node.every((each) => typeof each === 'string')) found.push(node);
  else if (typeof node === 'object' && node !== null) for (const each of Object.values(node)) stringsIn(each, found);
  return found;
}

/** What the program's own parser makes of arguments, without doing it. */
async function parsed(args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const program = createProgram();
  const command = program.commands.find((each) => each.name() === args[0])!;
  command.action(() => {});
  await program.parseAsync([...args], { from: 'user' });
  return command.opts();
}

const lists = FILES.flatMap((file) => documents(file).flatMap((each) => stringsIn(each)));
const starts = lists.filter(([first]) => first === 'start');
const workers = lists.filter(([first, ...rest]) => first === 'worker' && rest.length > 0);
const daemon = podOf('StatefulSet', 'quorum');
const worker = podOf('Deployment', 'quorum-worker');
const server = podOf('StatefulSet', 'nats');

test('the program takes every command line and setting in the files, and all meet at one address', async () => {
  expect([starts.length, workers.length]).toEqual([2, 3]); // compose and Kubernetes; those and the patch for GPUs
  const addresses = new Set<unknown>();
  for (const args of starts) {
    const { set } = (await parsed(args)) as { readonly set: readonly string[] };
    const { cluster, dashboard } = parseConfig(applyOverrides({}, set, '/'));
    expect([cluster.name, dashboard.host]).toEqual([config.cluster.name, '0.0.0.0']);
    addresses.add(cluster.nats);
  }
  for (const args of workers) {
    const options = await parsed(args);
    expect([options['cluster'], options['roles']]).toEqual([config.cluster.name, 'sampler']);
    expect(options['devices']).toMatch(/^(cpu|cuda)$/);
    addresses.add(options['join']);
  }
  const added = lists.filter(([first, ...rest]) => first!.startsWith('--set=') && rest.length === 0);
  expect(added).toHaveLength(1); // the patch for GPUs
  for (const [set] of added) parseConfig(applyOverrides({}, [set!.slice('--set='.length)], '/'));
  expect([...addresses]).toEqual(['nats://nats:4222']);
  expect(nats).toContain('listen: "0.0.0.0:4222"');
});

test('images, ports and probes are those of the image and of the daemon', () => {
  const { services } = compose;
  expect(services['worker']!.image).toBe(services['daemon']!.image);
  expect([worker.only.image, server.only.image]).toEqual([daemon.only.image, services['nats']!.image]);
  expect(services['daemon']!.ports).toEqual([`127.0.0.1:${config.dashboard.port}:${config.dashboard.port}`]);
  const ports = Object.fromEntries(daemon.only.ports!.map(({ name, containerPort }) => [name, containerPort]));
  expect(ports).toEqual({ dashboard: config.dashboard.port, blobs: 4748 });
  expect(daemon.only.args).toContain(`--set=cluster.port=${ports['blobs']}`);
  const probe = (name: 'startup' | 'readiness' | 'liveness') => daemon.only[`${name}Probe`]!.httpGet;
  for (const name of ['startup', 'liveness'] as const)
    expect(probe(name)).toEqual({ path: '/healthz', port: 'dashboard' });
  expect(probe('readiness')).toEqual({ path: '/readyz', port: 'dashboard' });
  // The image's health check asks the dashboard, which a worker does not have.
  expect(services['worker']!.healthcheck).toEqual({ disable: true });
  expect(nats).toContain('http: "0.0.0.0:8222"');
  expect(Object.keys(worker.only).filter((key) => key.endsWith('Probe'))).toEqual([]);
});

test('nothing is killed before it can end by itself', () => {
  const minutes = (service: string): number =>
    60 * Number(/^(\d+)m$/.exec(compose.services[service]!.stop_grace_period!)![1]);
  for (const seconds of [daemon.terminationGracePeriodSeconds, minutes('daemon')])
    expect(seconds).toBeGreaterThan(config.timeouts.stopSeconds + config.timeouts.saveSeconds);
  for (const seconds of [worker.terminationGracePeriodSeconds, minutes('worker')])
    expect(seconds).toBeGreaterThan(config.timeouts.sampleSeconds);
  const probe = daemon.only['startupProbe'] as unknown as Record<string, number>;
  expect(probe['periodSeconds']! * probe['failureThreshold']!).toBeGreaterThan(config.timeouts.openSeconds);
});

test('the NATS server limits workers as docs/security.md says', () => {
  const of = (text: string): string => /^authorization \{[\s\S]*?^\}$/m.exec(text)![0];
  expect(of(nats)).toBe(of(readFileSync('docs/security.md', 'utf8')));
  expect(nats).toMatch(/^jetstream \{ store_dir: \/data \}$/m);
});

test.skipIf(!HAS_NATS)(
  'the NATS server takes its configuration, with passwords as docs/deploying.md makes them',
  () => {
    const check = (password: string) =>
      spawnSync(NATS_PROGRAM, ['-t', '-c', 'deploy/kubernetes/base/nats.conf'], {
        env: { PATH: process.env['PATH'], DAEMON_PASSWORD: password, WORKER_PASSWORD: password },
      }).status;
    expect([check('s0123456789'), check('0123456789')]).toEqual([0, 1]); // it reads digits as a number
  },
);

test('KEDA counts the jobs that the daemon queues, up to as many as it queues', () => {
  const { jobs, samplers } = namesOf(config.cluster.name);
  const { spec } = objects.find(({ kind }) => kind === 'ScaledObject') as unknown as {
    readonly spec: Tree & { readonly triggers: readonly [{ readonly metadata: Tree }] };
  };
  expect(spec.triggers[0].metadata).toMatchObject({ account: '$G', stream: jobs, consumer: samplers });
  expect([spec['minReplicaCount'], spec['maxReplicaCount']]).toEqual([1, config.cluster.jobs]);
});

test('the variables are those that the program and NATS read, and docs/deploying.md makes all of them', () => {
  const known = [
    ...Object.values(NATS_VARIABLES),
    ...['VIEW', 'CONTROL'].map((each) => `QUORUM_DASHBOARD_${each}_TOKEN`),
  ];
  const names = (service: string): string[] => Object.keys(compose.services[service]!.environment!);
  const own = [daemon, worker].flatMap(({ only }) => only.env.map(({ name }) => name));
  expect([...own, ...names('daemon'), ...names('worker')].filter((name) => !known.includes(name as never))).toEqual([]);
  const passwords = [...nats.matchAll(/\$([A-Z_]+_PASSWORD)/g)].map(([, name]) => name!);
  expect(names('nats')).toEqual(passwords);
  expect(server.only.env.map(({ name }) => name)).toEqual(passwords);

  const asked = new Set(
    [...readFileSync('deploy/compose.yaml', 'utf8').matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name!),
  );
  expect(new Set(/^for name in (.*?); do/m.exec(page)![1]!.split(' '))).toEqual(asked);
  const keys = [daemon, worker, server].flatMap(({ only }) =>
    only.env.flatMap(({ valueFrom }) => (valueFrom ? [(valueFrom as { secretKeyRef: Tree }).secretKeyRef] : [])),
  );
  expect(keys.length).toBe(6);
  for (const { name, key } of keys) {
    const [, literals] = new RegExp(`create secret generic ${String(name)} ((?:.*\\\\\n)*.*)`).exec(page)!;
    expect(literals).toContain(`--from-literal=${String(key)}=`);
  }
});

test('what is mounted is there', () => {
  const mounts = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
  for (const mount of mounts) {
    const source = mount.split(':')[0]!;
    expect([source, source.startsWith('./') ? existsSync(join('deploy', source)) : source in compose.volumes]).toEqual([
      source,
      true,
    ]);
  }
  for (const file of FILES.filter((name) => name.endsWith('kustomization.yaml'))) {
    const { resources, configMapGenerator = [] } = documents(file)[0] as {
      readonly resources: readonly string[];
      readonly configMapGenerator?: readonly { readonly files: readonly string[] }[];
    };
    for (const path of [...resources, ...configMapGenerator.flatMap(({ files }) => files)])
      expect([path, existsSync(resolve(dirname(file), path))]).toEqual([path, true]);
  }
});

test('Prometheus reaches the daemon by a name that the dashboard answers to', async () => {
  const {
    scrape_configs: [job],
  } = documents('deploy/prometheus.yaml')[0] as unknown as {
    readonly scrape_configs: readonly [{ readonly static_configs: readonly [{ readonly targets: readonly string[] }] }];
  };
  expect(job.static_configs[0].targets).toEqual([`daemon:${config.dashboard.port}`]);
  const { set } = (await parsed(compose.services['daemon']!.command)) as { readonly set: readonly string[] };
  expect(parseConfig(applyOverrides({}, set, '/')).dashboard.allowedHosts).toEqual(['daemon']);
});

test("Grafana's dashboard draws metrics that exist, from the data source that is set up", () => {
  const { panels } = JSON.parse(readFileSync('deploy/grafana/dashboards/quorum.json', 'utf8')) as {
    readonly panels: readonly { readonly datasource: { readonly uid: string }; readonly targets: { expr: string }[] }[];
  };
  const known = [...readFileSync('docs/dashboard.md', 'utf8').matchAll(/^\| `(quorum_\w+)` \|/gm)].map(
    ([, name]) => name!,
  );
  const [source] = (documents('deploy/grafana/datasource.yaml')[0] as { datasources: { uid: string }[] }).datasources;
  expect(panels.length).toBeGreaterThan(10);
  for (const { datasource, targets } of panels) {
    expect(datasource.uid).toBe(source!.uid);
    for (const { expr } of targets) {
      const names = expr.match(/quorum_\w+/g) ?? [];
      expect([expr, names.length, names.filter((name) => !known.includes(name))]).toEqual([expr, 1, []]);
    }
  }
});

test.skipIf(spawnSync('kubectl', ['version', '--client']).status !== 0).each([
  ['base', 0, 2],
  ['gpu', 2, 2],
  ['keda', 0, undefined],
])('kubectl builds deploy/kubernetes/%s: %s containers with a GPU, %s workers', (name, gpus, replicas) => {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', `deploy/kubernetes/${name}`], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  const specs = parseAllDocuments(stdout).map((each) => ((each.toJS() as Tree)['spec'] ?? {}) as Tree);
  const of = specs.flatMap(({ template }) => (template === undefined ? [] : [JSON.stringify(template)]));
  expect(of).toHaveLength(3);
  expect(of.filter((text) => /"nvidia.com\/gpu":1/.test(text) && /quorum:cuda"/.test(text))).toHaveLength(gpus);
  expect(of.filter((text) => /(devices|engine)=cuda"/.test(text))).toHaveLength(gpus);
  expect(specs.find(({ selector }) => JSON.stringify(selector ?? {}).includes('"worker"'))!['replicas']).toBe(replicas);
});
