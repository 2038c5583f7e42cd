/** Creates engines, and finds out which of them this machine can run. */
import { execFile, type ExecFileException } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { UnsupportedError } from '../../protocol/errors.ts';
import { EagerEngine } from './eager-engine.ts';
import { registerGradients } from '../compile/gradients.ts';
import { loadCuda } from './cuda-libraries.ts';
import { KernelTable, providerOf } from './kernels.ts';
import { OrtEngine } from './ort-engine.ts';
import { checkCudaDevice, cudaDeviceOf } from './cuda-device.ts';
import { kindOf, type Engine, type EngineKind, type EngineName, type EngineOptions } from './engine.ts';

export const ENGINES: readonly EngineKind[] = ['cpu', 'webgpu', 'cuda', 'tensorflow', 'reference'];

const DETAILS: Readonly<Record<EngineKind, string>> = {
  cpu: 'compiled, ONNX Runtime on the processor',
  webgpu:
    'compiled, ONNX Runtime on WebGPU; for `quorum eval`, `ask` and `synthesize`: the daemon does not start on it',
  cuda: 'compiled, ONNX Runtime on CUDA',
  tensorflow: 'eager, TensorFlow through tfjs-node-gpu',
  reference: 'eager, pure JavaScript: exact, slow, for tests',
};

const TENSORFLOW_PACKAGE = '@tensorflow/tfjs-node-gpu';

export async function createEngine(name: EngineName, options: EngineOptions): Promise<Engine> {
  const { compute = 'f32' } = options;
  const kind = kindOf(name);
  if (compute !== 'f32' && kind !== 'cpu' && kind !== 'cuda')
    throw new UnsupportedError(`engine ${name} computes in f32 only, not ${compute}: cpu and cuda can`);
  if (kind === 'reference') return new EagerEngine(kind, 'cpu', options);
  if (kind === 'tensorflow') {
    await loadTensorFlow();
    return new EagerEngine(kind, 'tensorflow', options);
  }
  await prepare(name);
  return new OrtEngine(kind, options, cudaDeviceOf(name));
}

async function prepare(name: EngineName): Promise<void> {
  if (kindOf(name) !== 'cuda') return;
  loadCuda();
  await checkCudaDevice(name);
}

/** @throws UnsupportedError for an engine that computes in float32 only. */
export async function kernelTable(name: EngineName): Promise<KernelTable> {
  const kind = kindOf(name);
  if (kind !== 'cpu' && kind !== 'cuda')
    throw new UnsupportedError(`engine ${name} computes in f32 only: its kernels in 16 bits do not matter`);
  await prepare(name);
  return new KernelTable(kind, providerOf(kind, cudaDeviceOf(name)));
}

/** @throws UnsupportedError with the reason if the optional package is missing or does not start. */
async function loadTensorFlow(): Promise<void> {
  try {
    await import(TENSORFLOW_PACKAGE);
  } catch (error) {
    throw new UnsupportedError(
      `engine tensorflow needs ${TENSORFLOW_PACKAGE}, which cannot be loaded: ${firstLine(error)}`,
      { cause: error },
    );
  }
  // The package registers TF.js's own gradients; register ours again.
  registerGradients();
  if (!tf.findBackend('tensorflow'))
    throw new UnsupportedError(
      `${TENSORFLOW_PACKAGE} loaded another copy of @tensorflow/tfjs-core; install one version of both`,
    );
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!;

export interface EngineReport {
  readonly name: EngineName;
  readonly usable: boolean;
  /** Description of a usable engine, otherwise the reason why it cannot be used. */
  readonly detail: string;
}

const PROBE_TIMEOUT_MS = 60_000;

/**
 * Tries every engine, and `chosen` if it is another device, in a child process of its own, one after the other. For
 * `quorum doctor`.
 */
export async function probeEngines(chosen: EngineName = 'cpu'): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const name of new Set([...ENGINES, chosen])) reports.push(await probeEngine(name));
  return reports;
}

export async function probeEngine(name: EngineName): Promise<EngineReport> {
  const entry = new URL(import.meta.url.endsWith('.ts') ? './try-engine.ts' : './try-engine.js', import.meta.url);
  const loader = import.meta.url.endsWith('.ts') ? ['--import', 'tsx'] : [];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...loader, fileURLToPath(entry), name],
      { timeout: PROBE_TIMEOUT_MS },
      (error, _stdout, stderr) => {
        if (!error) resolve({ name, usable: true, detail: DETAILS[kindOf(name)] });
        else resolve({ name, usable: false, detail: reason(error, stderr) });
      },
    );
  });
}

/** The first line of the child's error output, without colours and the library's time stamp. */
function reason(error: ExecFileException, stderr: string): string {
  if (error.killed) return `gave no answer in ${PROBE_TIMEOUT_MS / 1000} s`;
  const line = stripVTControlCharacters(stderr)
    .trim()
    .split('\n')[0]!
    .replace(/^.*\[ONNXRuntimeError\] : \d+ : /, '');
  if (error.signal) return `the process was aborted (${error.signal})${line && `: ${line}`}`;
  return line || error.message;
}
