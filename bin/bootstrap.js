/**
 * Makes a clone ready to run: installs the dependencies that package-lock.json names and node_modules lacks, and with
 * `--build` compiles the sources when they are newer than dist/. Plain JavaScript without dependencies, because it runs
 * before there are any; a few milliseconds when nothing is missing. Everything it prints goes to stderr, so that stdout
 * stays the program's.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const SOURCES = ['src', 'actors', 'streams', 'dashboards/server', 'bench'];
const CLIENT_SOURCES = ['dashboards/client', 'src/protocol'];
const SOURCE = /\.(ts|tsx|css|html|svg)$/;
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;

/** A reason to stop that the user can do something about; printed without a stack. */
export class BootstrapError extends Error {}

/**
 * @param {string} version as in `process.versions.node`; @param {string} range as in package.json's `engines.node`, of
 * the form `>=20.19`.
 */
export function nodeProblem(version, range) {
  const wanted = range.replace('>=', '').split('.').map(Number);
  const has = version.split('.').map(Number);
  const older = has[0] < wanted[0] || (has[0] === wanted[0] && has[1] < (wanted[1] || 0));
  if (!older) return null;
  return `Quorum needs Node ${range}, and this is Node ${version}. Install a newer one (https://nodejs.org, or \`nvm install 22\`) and run the command again.`;
}

/**
 * Names the packages of package-lock.json that node_modules does not hold in that version, from npm's own record of
 * what it installed. Optional packages do not count: most belong to other platforms, and a failed one must not keep the
 * program from running.
 * @param {string} root
 * @returns {string[]}
 */
export function missingPackages(root) {
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const record = join(root, 'node_modules', '.package-lock.json');
  const present = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')).packages : {};
  return Object.keys(wanted).filter(
    (at) => at !== '' && !isOptional(wanted[at]) && (!present[at] || present[at].version !== wanted[at].version),
  );
}

function isOptional(entry) {
  return Boolean(entry.optional || entry.peer);
}

/** Whether a source, or a folder of sources (a file was removed), is newer than the last successful build. */
export function needsBuild(root) {
  return isNewer(root, '.built', ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'], SOURCES);
}

/** The same for the dashboard's client, which is built on its own. */
export function needsClientBuild(root) {
  return isNewer(root, '.built-client', ['tsconfig.json', 'package-lock.json'], CLIENT_SOURCES);
}

function isNewer(root, stampName, files, folders) {
  const stamp = join(root, 'dist', stampName);
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  return (
    files.some((file) => statSync(join(root, file)).mtimeMs > built) ||
    folders.some((folder) => changedSince(join(root, folder), built))
  );
}

function changedSince(folder, time) {
  if (!existsSync(folder)) return false;
  if (statSync(folder).mtimeMs > time) return true;
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name !== 'fixtures' && changedSince(path, time);
    return SOURCE.test(entry.name) && statSync(path).mtimeMs > time;
  });
}

/** Runs npm with the settings under which our dependencies install with nothing but the npm registry in reach. */
async function install(root, missing, everySeconds) {
  const begun = performance.now();
  const passed = () => (performance.now() - begun) / 1000;
  say(`Installing ${missing.length} packages (once; one to three minutes) ...`);
  const progress = setInterval(() => say(installProgress(root, missing, passed())), 1000 * everySeconds);
  try {
    await runNpm(root);
  } finally {
    clearInterval(progress);
  }
  say(`Installed in ${Math.round(passed())} s.`);
}

/**
 * How far npm is, by the packages that have their files: npm shows its own progress on a terminal only, and not to one
 * that reads its errors.
 * @param {string} root; @param {readonly string[]} missing as `missingPackages` has them; @param {number} seconds since
 * it began
 */
export function installProgress(root, missing, seconds) {
  const unpacked = missing.filter((at) => existsSync(join(root, at, 'package.json'))).length;
  return `  ${unpacked} of ${missing.length} packages unpacked after ${Math.round(seconds)} s`;
}

async function runNpm(root) {
  const args = [
    'install',
    '--no-save',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--fetch-retry-mintimeout=2000',
    '--fetch-retry-maxtimeout=8000',
  ];
  const npm = process.env.npm_execpath;
  const viaNode = npm !== undefined && /npm-cli\.c?js$/.test(npm);
  const child = spawn(viaNode ? process.execPath : 'npm', viaNode ? [npm, ...args] : args, {
    cwd: root,
    // onnxruntime-node's installer would fetch CUDA libraries and fail the whole install where it cannot.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    stdio: ['ignore', 2, 'pipe'],
    shell: !viaNode && process.platform === 'win32',
  });
  const closed = once(child, 'close').catch((error) => {
    throw new BootstrapError(
      `npm could not be started (${error.message}). Install npm, or run \`npm ci\` in ${root} by hand.`,
    );
  });
  const [[status], stderr] = await Promise.all([closed, text(child.stderr)]);
  if (status !== 0) throw new BootstrapError(installFailure(stderr, root));
}

/** @param {string} stderr what npm printed; @param {string} root */
export function installFailure(stderr, root) {
  const code = UNREACHABLE.exec(stderr);
  if (code) {
    return (
      `Quorum's dependencies could not be installed: the npm registry cannot be reached (${code[1]}). Check the network, or the registry and proxy that ` +
      `\`npm config get registry\` and \`npm config get proxy\` name, then run the command again; what was installed already is kept.`
    );
  }
  const lines = stderr.split('\n').filter((line) => line.startsWith('npm error'));
  return `Quorum's dependencies could not be installed; npm says:\n${(lines.length ? lines : stderr.split('\n')).slice(0, 20).join('\n')}\nRun \`npm ci\` in ${root} to see all of it.`;
}

function build(root) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  compile(root, { name: 'sources', stampName: '.built', args: [tsc, '-p', join(root, 'tsconfig.build.json')] });
}

function buildClient(root) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--logLevel', 'error', '-c', join(root, 'dashboards', 'client', 'vite.config.ts')];
  compile(root, { name: "dashboard's pages", stampName: '.built-client', args });
}

function compile(root, { name, stampName, args }) {
  say(`Building the ${name} ...`);
  const stamp = join(root, 'dist', stampName);
  rmSync(stamp, { force: true });
  // A source saved while the compiler runs must count as newer than this build.
  const begun = new Date();
  const done = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  const printed = `${done.stdout}${done.stderr}`.trim().split('\n').slice(0, 20).join('\n');
  if (done.status !== 0) throw new BootstrapError(`The ${name} do not compile:\n${printed}`);
  writeFileSync(stamp, `${begun.toISOString()}\n`);
  utimesSync(stamp, begun, begun);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * @param {{ root: string, build: boolean, anew?: boolean, everySeconds?: number }} options `anew`: builds also what is
 * not older than its sources; `everySeconds`: how often an install says how far it is
 * @throws {BootstrapError} when something is missing that cannot be had
 */
export async function bootstrap(options) {
  const { root } = options;
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const problem = nodeProblem(process.versions.node, manifest.engines.node);
  if (problem) throw new BootstrapError(problem);
  // Installed as a package rather than cloned: built, and its dependencies are npm's business.
  if (!existsSync(join(root, 'tsconfig.json'))) return;
  const missing = missingPackages(root);
  if (missing.length > 0) await install(root, missing, options.everySeconds ?? 10);
  if (options.build && (options.anew || needsBuild(root))) build(root);
  if (options.build && (options.anew || needsClientBuild(root))) buildClient(root);
}

/** Runs `action`, and ends the process with one clear paragraph when the clone cannot be made ready. */
export async function orExplain(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    say(error.message);
    process.exit(1);
  }
}

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const anew = process.argv.includes('--build-anew');
  await orExplain(() => bootstrap({ root: ROOT, build: anew || process.argv.includes('--build'), anew }));
}
