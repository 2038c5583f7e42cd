/** Loaded into a compute thread before anything else: injects the faults that a test ordered (thread-faults.ts). */
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastChannel, getEnvironmentData, threadId } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { ProgramCache } from '../../src/compute/engine/cache.ts';
import { LearnerWorker } from '../../src/compute/threads/learner-worker.ts';
import { inNative, progress } from '../../src/compute/engine/native.ts';
import { RolloutWorker } from '../../src/compute/threads/rollout-worker.ts';
import { WarmWeights } from '../../src/compute/threads/warm.ts';
import type {
  LearnCall,
  LearnerCall,
  RolloutCall,
  SampleCall,
  SaveCall,
  SharedTensors,
  WorkerCall,
} from '../../src/protocol/worker.ts';
import { CHANNEL, FAULTS, KEY, STAGES, type Fault, type Stage } from './thread-faults.ts';

const orders = getEnvironmentData(KEY) as Int32Array<SharedArrayBuffer>;

const stageOf = (call: WorkerCall): Stage | undefined => {
  if (call.type === 'sample') return call.request.reference === true ? 'sample' : 'evaluate';
  if (call.type === 'assist') return 'learn';
  return call.type === 'learn' || call.type === 'save' ? call.type : undefined;
};

/** Takes one of the faults that are ordered for this stage. */
function taken(stage: Stage | undefined): Fault {
  const at = 3 * STAGES.findIndex((each) => each === stage);
  if (at < 0 || Atomics.sub(orders, at + 1, 1) <= 0) return 'none';
  Atomics.add(orders, at + 2, 1);
  return FAULTS[Atomics.load(orders, at)] ?? 'none';
}

if (taken('start') === 'exit') process.exit(1);

/** The same content under the same name, with a NaN in it. */
function poisoned(tensors: SharedTensors): SharedTensors {
  const buffer = new SharedArrayBuffer(tensors.buffer.byteLength);
  const floats = new Float32Array(buffer);
  floats.set(new Float32Array(tensors.buffer));
  for (const { offset } of tensors.entries) floats[offset] = Number.NaN;
  return { ...tensors, buffer };
}

/**
 * Puts a NaN into what the call hands over. A sampler keeps the id of its weights and drops its warm copy; the
 * learner's weights get another id, so that its warm state does not match.
 */
function poison(call: WorkerCall, fault: Fault): WorkerCall {
  if (call.type === 'sample') {
    withoutWarm = true;
    return { ...call, weights: poisoned(call.weights) } satisfies SampleCall;
  }
  if (call.type !== 'learn' && call.type !== 'save') return call;
  const { weights, secondMoments } = call.state;
  const state = {
    ...call.state,
    ...(fault === 'moments' ? { secondMoments: poisoned(secondMoments) } : { weights: poisoned(weights) }),
  };
  if (call.type === 'save') return { ...call, state } satisfies SaveCall;
  return { ...call, state: { ...state, weights: { ...state.weights, id: 'poisoned' } } } satisfies LearnCall;
}

let withoutWarm = false;
const { get } = WarmWeights.prototype;
WarmWeights.prototype.get = function (source) {
  if (withoutWarm) this.clear();
  withoutWarm = false;
  return get.call(this, source);
};

function fillTheHeap(): void {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, i) => i + kept.length));
}

const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
  model: Uint8Array,
  options: object,
) => Promise<ort.InferenceSession>;

let withoutPrograms = false;
let withoutMemory = false;
const { get: program } = ProgramCache.prototype;
ProgramCache.prototype.get = async function (...given) {
  if (withoutPrograms) await this.clear();
  withoutPrograms = false;
  const found = await program.apply(this, given);
  if (!withoutMemory || !/^(step|grad|score):/.test(given[0].name)) return found;
  withoutMemory = false;
  const run = () => Promise.reject(new Error('Failed to allocate memory for requested buffer of size 9'));
  return Object.assign(Object.create(found) as typeof found, { run });
};

function corruptTheNextProgram(): void {
  withoutPrograms = true;
  Object.assign(ort.InferenceSession, {
    create: (model: Uint8Array, options: object) => {
      Object.assign(ort.InferenceSession, { create });
      return create(
        model.map((byte, i) => (i % 97 === 0 ? byte ^ 0xff : byte)),
        options,
      );
    },
  });
}

async function faulty<C extends WorkerCall, R>(call: C, work: (call: C) => Promise<R>): Promise<R> {
  const fault = taken(stageOf(call));
  if (fault === 'hang') for (;;);
  if (fault === 'stuck') await inNative(() => new Promise(() => {}));
  for (let signs = fault === 'slow' ? 30 : 0; signs > 0; signs -= 1) {
    await delay(100);
    progress();
  }
  if (fault === 'memory') fillTheHeap();
  if (fault === 'full') withoutMemory = true;
  if (fault === 'program') corruptTheNextProgram();
  if (fault === 'exit') process.exit(1);
  const reply = await work(fault === 'weights' || fault === 'moments' ? (poison(call, fault) as C) : call);
  if (fault === 'kill') {
    new BroadcastChannel(CHANNEL).postMessage(threadId);
    for (;;);
  }
  return reply;
}

const { answer: sample } = RolloutWorker.prototype;
RolloutWorker.prototype.answer = function (call: RolloutCall, flags) {
  return faulty(call, (given) => sample.call(this, given, flags));
};
const { answer: learn } = LearnerWorker.prototype;
LearnerWorker.prototype.answer = function (call: LearnerCall, flags) {
  return faulty(call, (given) => learn.call(this, given, flags));
};
