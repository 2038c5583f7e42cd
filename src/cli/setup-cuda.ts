/** Installs the libraries of the engine `cuda` (src/compute/engine/cuda-libraries.ts) with pip, and removes them. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  CUDA_RECORD,
  CUDA_WHEELS,
  cudaCache,
  cudaFolder,
  missingFiles,
  packagedRuntime,
  PROVIDERS,
  RUNTIME_LIBRARY,
  type CudaRecord,
} from '../compute/engine/cuda-libraries.ts';
import { freeSpace } from '../lib/free-space.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { nvidiaSmi } from '../lib/nvidia-smi.ts';
import { CancelledError, InputError, UnsupportedError } from '../protocol/errors.ts';
import { bytes } from './view/format.ts';

export interface SetupOptions {
  /** Folder of wheels; without it, the index that pip is set to. */
  readonly wheels?: string;
  /** Links to NVIDIA's libraries among python3's packages, as PyTorch installs them; pip brings the provider alone. */
  readonly pythonLibraries?: boolean;
  readonly driverCheck: boolean;
}

/** CUDA 13 runs on no older driver and GPU (NVIDIA's release notes of CUDA 13.0). */
const OLDEST = { driver: 580, capability: 7.5 };

/** Bytes of the wheels and of the files in them, while both are there. */
const ROOM = 4.5e9;
/** The same of the provider alone. */
const PROVIDER_ROOM = 1e9;

/** The libraries of the wheels above, among all that a Python may have of NVIDIA's. */
const NEEDED = /^lib(?:cudart|cublas|curand|cufft|nvrtc|cudnn)\w*[-.\w]*\.so(?:\.\d+)*$/;

/** The libraries need glibc of 2018 or newer. Python's version does not matter: no Python runs them. */
const PIP_PLATFORM = [
  '--platform=manylinux_2_28_x86_64',
  '--platform=manylinux_2_27_x86_64',
  '--platform=manylinux2014_x86_64',
  '--python-version=3.12',
  '--implementation=cp',
  '--only-binary=:all:',
];

const ask = promisify(execFile);

/** A question to a program that answers at once. */
const ASK_MILLISECONDS = 60_000;

/** @throws UnsupportedError where no GPU can be used. @throws InputError @throws CancelledError */
export async function installCuda(options: SetupOptions, signal: AbortSignal): Promise<void> {
  const { driverCheck } = options;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new UnsupportedError(
      `quorum setup cuda: the engine cuda runs on Linux x64, and this is ${process.platform} ${process.arch}`,
    );
  if (driverCheck) console.log(await findGpu());
  const folder = cudaFolder();
  if (missingFiles(folder).length === 0) console.log(`The libraries are there already: ${folder}`);
  else await install(folder, options, signal);
  if (!driverCheck) return;
  const { probeEngine } = await import('../compute/engine/engines.ts');
  const { usable, detail } = await probeEngine('cuda');
  if (!usable) throw new UnsupportedError(`the libraries are installed, but the engine cuda does not work: ${detail}`);
  console.log('The engine cuda works: choose it with --set workers.engine=cuda');
}

export function removeCuda(): void {
  const cache = cudaCache();
  console.log(existsSync(cache) ? `Removed ${cache}` : `Nothing to remove: ${cache} does not exist`);
  rmSync(cache, { recursive: true, force: true });
}

/** @returns the GPUs and the driver's version. @throws UnsupportedError */
async function findGpu(): Promise<string> {
  const rows = await nvidiaSmi(['name', 'driver_version', 'compute_cap', 'memory.total']).catch((error: unknown) => {
    const { code, stdout: said = '', message } = error as Error & { readonly code?: unknown; readonly stdout?: string };
    const why = code === 'ENOENT' ? 'nvidia-smi is not on the PATH' : said.trim() || message.trim();
    throw new UnsupportedError(
      `no NVIDIA GPU is found: ${why}. Install NVIDIA's driver (${OLDEST.driver} or newer), or choose --no-driver-check to install the libraries all the same`,
    );
  });
  const gpus = rows.map(([name = '', driver = '', capability, memory]) => ({
    name,
    driver,
    capability: Number(capability),
    memory: Number(memory) * 2 ** 20,
  }));
  const usable = gpus.filter(({ capability }) => capability >= OLDEST.capability);
  const { driver, name, capability } = (usable[0] ?? gpus[0])!;
  if (!(Number.parseFloat(driver) >= OLDEST.driver))
    throw new UnsupportedError(
      `the NVIDIA driver is ${driver}, and CUDA 13 needs ${OLDEST.driver} or newer: update the driver`,
    );
  if (usable.length === 0)
    throw new UnsupportedError(
      `${name} has compute capability ${capability}, and CUDA 13 needs ${OLDEST.capability} or newer`,
    );
  return `NVIDIA driver ${driver}: ${usable.map((gpu) => `${gpu.name} (${bytes(gpu.memory)})`).join(', ')}`;
}

/** Makes the folder in one step, from a staging folder next to it that never outlives the call. */
async function install(
  folder: string,
  { wheels, pythonLibraries = false }: SetupOptions,
  signal: AbortSignal,
): Promise<void> {
  const linked = pythonLibraries ? await pythonFolders() : [];
  makeFolder(cudaCache());
  const { free, folder: where } = freeSpace(cudaCache());
  const room = pythonLibraries ? PROVIDER_ROOM : ROOM;
  if (free < room) throw new InputError(`${where} has ${bytes(free)} free, and the libraries need ${bytes(room)}`);
  const staging = mkdtempSync(join(cudaCache(), '.installing-'));
  try {
    const unpacked = join(staging, 'wheels');
    const [provider, ...nvidia] = CUDA_WHEELS.requirements;
    const requirements = [provider, ...(pythonLibraries ? [] : nvidia)];
    await pipInstall({ target: unpacked, temporary: staging, wheels, requirements }, signal);
    const ready = join(staging, 'ready');
    makeFolder(ready);
    const size = gather(unpacked, ready, linked);
    rmSync(folder, { recursive: true, force: true });
    renameSync(ready, folder);
    console.log(`Installed ${bytes(size)} in ${folder}`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** pip checks the hashes that the index gives, and prints sizes and progress itself. */
async function pipInstall(
  {
    target,
    temporary,
    wheels,
    requirements,
  }: {
    readonly target: string;
    readonly temporary: string;
    readonly wheels: string | undefined;
    readonly requirements: readonly string[];
  },
  signal: AbortSignal,
): Promise<void> {
  const python = ['-m', 'pip'];
  await ask('python3', [...python, '--version'], { timeout: ASK_MILLISECONDS }).catch((error: Error) => {
    throw new UnsupportedError(
      `quorum setup cuda needs Python 3 with pip to install wheels, and \`python3 -m pip --version\` fails: ${error.message.trim()}`,
    );
  });
  const source = wheels === undefined ? [] : ['--no-index', '--find-links', wheelFolder(wheels)];
  const how = ['--no-deps', '--no-compile', '--no-cache-dir', '--disable-pip-version-check', '--no-warn-conflicts'];
  const pip = spawn(
    'python3',
    [...python, 'install', ...how, '--target', target, ...PIP_PLATFORM, ...source, ...requirements],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, TMPDIR: temporary, PIP_ROOT_USER_ACTION: 'ignore' },
      signal,
    },
  );
  const [code, killed] = (await once(pip, 'exit').catch((error: unknown) => {
    if (signal.aborted) throw new CancelledError('quorum setup cuda was interrupted');
    throw error;
  })) as [number | null, string | null];
  if (code === 0) return;
  throw new UnsupportedError(
    `pip could not install the wheels (${killed ?? `exit code ${code}`}; its reason is above). On a machine with a network, ` +
      `\`python3 -m pip download --no-deps -d FOLDER ${[...PIP_PLATFORM, ...requirements].map(quote).join(' ')}\` ` +
      'fetches them for `quorum setup cuda --wheels FOLDER`',
  );
}

const quote = (word: string): string => (/[^\w=:.@-]/.test(word) ? `'${word}'` : word);

function wheelFolder(path: string): string {
  const folder = resolve(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new InputError(`--wheels ${folder} is not a folder`);
  const { onnxruntime } = CUDA_WHEELS;
  const found = readdirSync(folder).filter((name) => /^onnxruntime_gpu-.*\.whl$/.test(name));
  if (!found.some((name) => name.startsWith(`onnxruntime_gpu-${onnxruntime}-cp312-`)))
    throw new InputError(
      `--wheels ${folder} has no wheel onnxruntime_gpu-${onnxruntime}-cp312-*.whl, the version that onnxruntime-node has; it has ${found.join(', ') || 'none of onnxruntime-gpu'}`,
    );
  return folder;
}

/** Folders of NVIDIA's packages in the Python that `python3` is. @throws UnsupportedError without any. */
async function pythonFolders(): Promise<string[]> {
  const script = 'import nvidia; print("\\n".join(nvidia.__path__))';
  const { stdout } = await ask('python3', ['-c', script], { timeout: ASK_MILLISECONDS }).catch((error: Error) => {
    throw new UnsupportedError(
      `--python-libraries: python3 has none of NVIDIA's packages, which PyTorch for CUDA 13 brings: ${error.message.trim().split('\n').at(-1)}`,
    );
  });
  return stdout.split('\n').filter((line) => line !== '');
}

/**
 * Moves the shared libraries of unpacked wheels into `folder`, with links to those below `linked`. @returns bytes of all.
 */
function gather(unpacked: string, folder: string, linked: readonly string[]): number {
  const entries = readdirSync(unpacked, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const { name, parentPath } = entry;
    const isProvider = PROVIDERS.includes(name);
    const isNvidia = parentPath.startsWith(join(unpacked, 'nvidia')) && /\.so(\.\d+)*$/.test(name);
    if (entry.isFile() && (isProvider || isNvidia)) renameSync(join(parentPath, name), join(folder, name));
  }
  for (const from of linked) {
    for (const { name, parentPath } of readdirSync(from, { recursive: true, withFileTypes: true }))
      if (NEEDED.test(name) && !existsSync(join(folder, name))) symlinkSync(join(parentPath, name), join(folder, name));
  }
  copyFileSync(join(packagedRuntime(), RUNTIME_LIBRARY), join(folder, RUNTIME_LIBRARY));
  const files = Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).size]));
  const record: CudaRecord = { wheels: wheelVersions(entries.map(({ name }) => name)), files };
  writeFileSync(join(folder, CUDA_RECORD), JSON.stringify(record, null, 2));
  const missing = missingFiles(folder);
  const source = linked.length > 0 ? `${linked.join(', ')} and the provider's wheel` : 'the wheels that pip installed';
  if (missing.length > 0) throw new UnsupportedError(`${source} do not hold ${missing.join(', ')}`);
  return Object.values(files).reduce((sum, size) => sum + size, 0);
}

/** From names such as `nvidia_cublas-13.10.0.20.dist-info`. */
function wheelVersions(names: readonly string[]): Record<string, string> {
  const folders = names.filter((name) => name.endsWith('.dist-info'));
  return Object.fromEntries(folders.map((name) => basename(name, '.dist-info').split('-') as [string, string]));
}
