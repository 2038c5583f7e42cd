/**
 * The libraries of the engine `cuda`: ONNX Runtime's CUDA provider and NVIDIA's libraries, in one folder outside
 * node_modules that `quorum setup cuda` fills.
 *
 * This works without LD_LIBRARY_PATH and without restarting the process. ONNX Runtime looks for a provider in the folder
 * of its own library, so the folder has a copy of that library, and a process loads the copy before onnxruntime-node
 * requests it by name. The dynamic linker resolves the libraries that the provider needs to those already loaded.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../lib/cache-folder.ts';
import { UnsupportedError } from '../../protocol/errors.ts';

/**
 * Requirements of pip for this version of onnxruntime-node. The provider must have exactly the same version; its wheel
 * states NVIDIA's packages (extras `cuda` and `cudnn`), without cuBLAS, which the provider links to.
 */
export const CUDA_WHEELS = {
  onnxruntime: '1.30.0',
  requirements: [
    'onnxruntime-gpu==1.30.0',
    'nvidia-cublas~=13.0',
    'nvidia-cuda-runtime~=13.0',
    'nvidia-cuda-nvrtc~=13.0',
    'nvidia-cufft~=12.0',
    'nvidia-curand~=10.0',
    'nvidia-cudnn-cu13~=9.0',
  ],
} as const;

/** ONNX Runtime's own library, by the name that onnxruntime-node links to. */
export const RUNTIME_LIBRARY = 'libonnxruntime.so.1';

export const PROVIDERS = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/** The driver's library: no wheel has it. */
const DRIVER = 'libcuda.so.1';

/** In load order: each library follows those that it needs. cuDNN loads its parts itself. */
export const NVIDIA_LIBRARIES = [
  'libcudart.so.13',
  'libcublasLt.so.13',
  'libcublas.so.13',
  'libcurand.so.10',
  'libcufft.so.12',
  'libnvrtc.so.13',
  'libcudnn.so.9',
];

/** Record of the installed names, versions and sizes; setup writes it last. */
export const CUDA_RECORD = 'installed.json';

export interface CudaRecord {
  /** Version of each wheel, by name. */
  readonly wheels: Readonly<Record<string, string>>;
  /** Bytes of each file. */
  readonly files: Readonly<Record<string, number>>;
}

/** The folder with one folder per version of ONNX Runtime. */
export const cudaCache = (): string => cacheFolder('cuda');

export const cudaFolder = (): string => join(cudaCache(), CUDA_WHEELS.onnxruntime);

/** Folder of onnxruntime-node's native files on this platform. */
export function packagedRuntime(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  return join(root, 'bin', 'napi-v6', process.platform, process.arch);
}

/** @returns required files that are missing or have another size; all of them without a readable record. */
export function missingFiles(folder: string): string[] {
  const files = readRecord(folder)?.files ?? {};
  const needed = new Set([RUNTIME_LIBRARY, ...PROVIDERS, ...NVIDIA_LIBRARIES, ...Object.keys(files)]);
  return [...needed].filter((name) => {
    const size = statSync(join(folder, name), { throwIfNoEntry: false })?.size;
    return size === undefined || size !== files[name];
  });
}

function readRecord(folder: string): CudaRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, CUDA_RECORD), 'utf8')) as CudaRecord;
  } catch {
    return undefined;
  }
}

/**
 * Loads the copy of ONNX Runtime with the CUDA provider next to it, if there is one. Call it before importing
 * onnxruntime-node, for every engine, because a process has one ONNX Runtime.
 */
export function preloadRuntime(): void {
  const file = join(cudaFolder(), RUNTIME_LIBRARY);
  if (existsSync(file)) open(file);
}

/** Loads NVIDIA's libraries into this process. @throws UnsupportedError naming the file that is missing, and the fix. */
export function loadCuda(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new UnsupportedError(`engine cuda runs on Linux x64, and this is ${process.platform} ${process.arch}`);
  const folder = cudaFolder();
  if (!existsSync(folder)) {
    if (isInPackage()) return;
    throw new UnsupportedError(`engine cuda needs CUDA libraries: run \`quorum setup cuda\` (${absence(folder)})`);
  }
  const missing = missingFiles(folder);
  if (missing.length > 0)
    throw new UnsupportedError(
      `engine cuda: ${folder} is not whole, run \`quorum setup cuda\` again; missing or of another size: ${missing.join(', ')}`,
    );
  const noDriver = open(DRIVER);
  if (noDriver !== undefined) throw new UnsupportedError(`engine cuda: no NVIDIA driver is found: ${noDriver}`);
  for (const name of NVIDIA_LIBRARIES) {
    const problem = open(join(folder, name));
    if (problem !== undefined) throw new UnsupportedError(`engine cuda: ${problem}`);
  }
}

function absence(folder: string): string {
  const others = existsSync(cudaCache()) ? readdirSync(cudaCache()).filter((name) => /^\d/.test(name)) : [];
  if (others.length === 0) return `${folder} does not exist`;
  return `${cudaCache()} has those of ONNX Runtime ${others.join(', ')}, and this is ${CUDA_WHEELS.onnxruntime}`;
}

/** Whether onnxruntime-node's own installer has replaced the placeholder by the provider. */
function isInPackage(): boolean {
  const provider = statSync(join(packagedRuntime(), PROVIDERS[1]!), { throwIfNoEntry: false });
  return provider !== undefined && provider.size > 1_000_000;
}

/** RTLD_NODELETE of dlopen(3), which Node does not name: the library stays loaded when the call fails. */
const NO_DELETE = 0x1000;

/**
 * Loads a shared library whose symbols later libraries use. @returns the reason if it cannot be loaded.
 *
 * Node's dlopen is for addons: it loads any other library and then fails with "did not self-register".
 */
function open(file: string): string | undefined {
  const { RTLD_LAZY, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, file, RTLD_LAZY | RTLD_GLOBAL | NO_DELETE);
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes('did not self-register')) return message;
  }
  return undefined;
}
