/** `setup cuda` with wheels of a few bytes and the machine's own pip; the real ones are 1.5 GB. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { installCuda, removeCuda } from '../../src/cli/setup-cuda.ts';
import {
  CUDA_WHEELS,
  cudaCache,
  cudaFolder,
  missingFiles,
  NVIDIA_LIBRARIES,
  packagedRuntime,
  PROVIDERS,
  RUNTIME_LIBRARY,
} from '../../src/compute/engine/cuda-libraries.ts';
import { probeEngine } from '../../src/compute/engine/engines.ts';
import { temporaryFolder } from '../support/temporary.ts';

const isLinux = process.platform === 'linux' && process.arch === 'x64';
const hasPip = isLinux && attempt(() => execFileSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' }));

function attempt(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

const never = new AbortController().signal;

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  };
});

/** Puts a shell script in front of the programs on the PATH. */
function program(name: string, script: string): void {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  if (!process.env['PATH']!.startsWith(bin)) vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH']}`);
}

function wheels(version: string = CUDA_WHEELS.onnxruntime): string {
  const target = join(folder, `wheels ${version}`);
  execFileSync('python3', [join(import.meta.dirname, '../fixtures/cuda/wheels.py'), target, version]);
  return target;
}

const said = (): string => vi.mocked(console.log).mock.calls.flat().join('\n');

it('names the version of onnxruntime-node', () => {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  expect(CUDA_WHEELS.onnxruntime).toBe(version);
  expect(CUDA_WHEELS.requirements).toContain(`onnxruntime-gpu==${version}`);
});

describe.skipIf(!isLinux)('the driver', () => {
  it.each([
    [
      'no nvidia-smi',
      undefined,
      /no NVIDIA GPU is found: nvidia-smi is not on the PATH\. Install NVIDIA's driver \(580/,
    ],
    [
      'a driver that does not answer',
      'echo "NVIDIA-SMI has failed"; exit 9',
      /no NVIDIA GPU is found: NVIDIA-SMI has failed/,
    ],
    [
      'an old driver',
      'echo "NVIDIA A100, 535.161.08, 8.0, 81920"',
      /driver is 535\.161\.08, and CUDA 13 needs 580 or newer/,
    ],
    [
      'an old GPU',
      'echo "Tesla V100, 580.65.06, 7.0, 16384"',
      /Tesla V100 has compute capability 7, and CUDA 13 needs 7\.5/,
    ],
  ])('%s is a sentence, and nothing is downloaded', async (_, script, sentence) => {
    if (script === undefined) vi.stubEnv('PATH', join(folder, 'empty'));
    else program('nvidia-smi', script);
    await expect(installCuda({ driverCheck: true }, never)).rejects.toThrow(sentence);
    expect(existsSync(cudaCache())).toBe(false);
  });

  it('is named with the GPUs that can be used', async () => {
    program('nvidia-smi', 'echo "NVIDIA H200, 580.65.06, 9.0, 143771"\necho "Tesla V100, 580.65.06, 7.0, 16384"');
    await expect(installCuda({ driverCheck: true, wheels: join(folder, 'none') }, never)).rejects.toThrow(/--wheels/);
    expect(said()).toBe('NVIDIA driver 580.65.06: NVIDIA H200 (150.75 GB)');
  });
});

describe.skipIf(!hasPip)('wheels from a folder', () => {
  const install = (from: string, signal = never): Promise<void> =>
    installCuda({ wheels: from, driverCheck: false }, signal);

  it('are unpacked into the cache, checked, repaired and removed', async () => {
    const from = wheels();
    await install(from);
    expect(missingFiles(cudaFolder())).toEqual([]);
    expect(readdirSync(cudaFolder()).sort()).toEqual(
      [
        RUNTIME_LIBRARY,
        ...PROVIDERS,
        ...NVIDIA_LIBRARIES,
        'libnvrtc-builtins.so.13.1',
        'libcudnn_ops.so.9',
        'installed.json',
      ].sort(),
    );
    expect(readdirSync(cudaCache())).toEqual([CUDA_WHEELS.onnxruntime]);
    expect(JSON.parse(readFileSync(join(cudaFolder(), 'installed.json'), 'utf8'))).toMatchObject({
      wheels: { onnxruntime_gpu: CUDA_WHEELS.onnxruntime, nvidia_cudnn_cu13: '9.2.0' },
    });

    await install(from);
    expect(said()).toContain(`The libraries are there already: ${cudaFolder()}`);

    rmSync(join(cudaFolder(), 'libcudnn_ops.so.9'));
    writeFileSync(join(cudaFolder(), 'libcublas.so.13'), 'cut');
    expect(missingFiles(cudaFolder()).sort()).toEqual(['libcublas.so.13', 'libcudnn_ops.so.9']);
    expect(await probeEngine('cuda')).toMatchObject({
      usable: false,
      detail: `engine cuda: ${cudaFolder()} is not whole, run \`quorum setup cuda\` again; missing or of another size: libcublas.so.13, libcudnn_ops.so.9`,
    });
    await install(from);
    expect(missingFiles(cudaFolder())).toEqual([]);
    // Without a GPU the driver's library is missing; with one, the first of these files is no library.
    expect((await probeEngine('cuda')).detail).toMatch(
      /^engine cuda: (no NVIDIA driver is found: libcuda\.so\.1|.*too short)/,
    );

    removeCuda();
    expect(existsSync(cudaCache())).toBe(false);
    removeCuda();
    expect(said()).toContain('Nothing to remove');
  });

  it('of another version are refused by name', async () => {
    await expect(install(wheels('1.29.0'))).rejects.toThrow(
      /no wheel onnxruntime_gpu-1\.30\.0-cp312-\*\.whl, the version that onnxruntime-node has; it has onnxruntime_gpu-1\.29\.0-cp312/,
    );
  });

  it('of the provider alone are enough with the libraries that python3 has', async () => {
    const [from, site] = [wheels(), join(folder, 'site')];
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', site];
    const nvidia = readdirSync(from).filter((name) => name.startsWith('nvidia_'));
    execFileSync('python3', [...pip, ...nvidia.map((name) => join(from, name))]);
    for (const name of nvidia) rmSync(join(from, name));
    const linked = (): Promise<void> => installCuda({ wheels: from, pythonLibraries: true, driverCheck: false }, never);
    vi.stubEnv('PYTHONPATH', site);
    await linked();
    expect(missingFiles(cudaFolder())).toEqual([]);
    const library = join(cudaFolder(), 'libcudnn.so.9');
    expect(realpathSync(library)).toBe(realpathSync(join(site, readlinkSync(library).slice(site.length))));
    expect(readdirSync(cudaFolder())).toContain('libcudnn_ops.so.9');

    // Another version of PyTorch brings other libraries.
    writeFileSync(realpathSync(library), 'of another size');
    expect(missingFiles(cudaFolder())).toEqual(['libcudnn.so.9']);

    rmSync(realpathSync(library));
    await expect(linked()).rejects.toThrow(/site\/nvidia.* do not hold libcudnn\.so\.9$/);
  });

  it('that are incomplete leave nothing, and the error has the command that fetches them', async () => {
    const from = wheels();
    rmSync(join(from, 'nvidia_cufft-12.1.0-py3-none-manylinux2014_x86_64.whl'));
    await expect(install(from)).rejects.toThrow(
      /pip could not install the wheels \(exit code 1; .* -m pip download --no-deps -d FOLDER .*'nvidia-cufft~=12\.0'/,
    );
    expect(readdirSync(cudaCache())).toEqual([]);
  });

  it('an interrupted install leaves nothing', async () => {
    program('python3', 'case "$*" in *--version*) ;; *) exec tail -f /dev/null ;; esac');
    const interrupt = new AbortController();
    const installing = install(join(folder, 'wheels'), interrupt.signal);
    mkdirSync(join(folder, 'wheels'));
    writeFileSync(join(folder, 'wheels', `onnxruntime_gpu-${CUDA_WHEELS.onnxruntime}-cp312-cp312-any.whl`), '');
    await vi.waitUntil(() => existsSync(cudaCache()) && readdirSync(cudaCache()).length > 0);
    interrupt.abort();
    await expect(installing).rejects.toThrow('quorum setup cuda was interrupted');
    expect(readdirSync(cudaCache())).toEqual([]);
  });
});

describe.skipIf(!isLinux)('a process that uses ONNX Runtime', () => {
  it('loads the copy with the CUDA provider next to it, on every engine', async () => {
    mkdirSync(cudaFolder(), { recursive: true });
    copyFileSync(join(packagedRuntime(), RUNTIME_LIBRARY), join(cudaFolder(), RUNTIME_LIBRARY));
    expect(await probeEngine('cpu')).toMatchObject({ usable: true });
    const script = `const { createEngine } = await import(process.argv[1]); await createEngine('cpu', { threads: 1 });
      console.log((await import('node:fs')).readFileSync('/proc/self/maps', 'utf8'));`;
    const engines = join(import.meta.dirname, '../../src/compute/engine/engines.ts');
    const maps = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, engines]);
    const loaded = new Set(/\S*libonnxruntime\.so\S*/.exec(maps.toString()));
    expect([...loaded]).toEqual([join(cudaFolder(), RUNTIME_LIBRARY)]);
  });

  it('says what the engine cuda lacks', async () => {
    expect((await probeEngine('cuda')).detail).toBe(
      `engine cuda needs CUDA libraries: run \`quorum setup cuda\` (${cudaFolder()} does not exist)`,
    );
    mkdirSync(join(cudaCache(), '1.29.0'), { recursive: true });
    expect((await probeEngine('cuda')).detail).toContain(
      `(${cudaCache()} has those of ONNX Runtime 1.29.0, and this is ${CUDA_WHEELS.onnxruntime})`,
    );
  });
});
