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
import { OrtEngine } from './ort-engine.ts';
import type { Engine, EngineName, EngineOptions } from './engine.ts';

export const ENGINES: readonly EngineName[] = ['cpu', 'webgpu', 'cuda', 'tensorflow', 'reference'];

const DETAILS: Readonly<Record<EngineName, string>> = {
  cpu: 'compiled, ONNX Runtime on the processor',
  webgpu:
    'compiled, ONNX Runtime on WebGPU; for `quorum eval`, `ask` and `synthesize`: the daemon does not start on it',
  cuda: 'compiled, ONNX Runtime on CUDA',
  tensorflow: 'eager, TensorFlow through tfjs-node-gpu',
  reference: 'eager, pure JavaScript: exact, slow, for tests',
};

const TENSORFLOW_PACKAGE = '@tensorflow/tfjs-node-gpu';

export async function createEngine(name: EngineName, options: EngineOptions): Promise<Engine> {
  if (name === 'reference') return new EagerEngine(name, 'cpu', options);
  if (name === 'tensorflow') {
    await loadTensorFlow();
    return new EagerEngine(name, 'tensorflow', options);
  }
  if (name === 'cuda') loadCuda();
  return new OrtEngine(name, options);
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

/** Tries every engine in a child process of its own, one after the other. For `quorum doctor`. */
export async function probeEngines(): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const name of ENGINES) reports.push(await probeEngine(name));
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
        if (!error) resolve({ name, usable: true, detail: DETAILS[name] });
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
