/** What bench/gpu.ts measures, in which order, and what its child processes print. */
import { join } from 'node:path';
import type { EngineName } from '../src/compute/engine/engine.ts';
import type { Config } from '../src/config/schema.ts';
import { packagePath } from '../src/lib/package-path.ts';
import type { GpuImprove } from './gpu-improve.ts';
import type { GpuWork } from './gpu-work.ts';
import type { Row } from './measure.ts';

/** A line that a child process prints: values that are final. */
export interface Told {
  /** Of what, within the measurement. */
  readonly name?: string;
  readonly values: readonly Pick<Row, 'value' | 'unit'>[];
}

/** A measurement in a process of its own. */
export interface Planned {
  /** As `--only` takes it. */
  readonly kind: string;
  readonly name: string;
  readonly command: readonly string[];
}

interface Choice {
  readonly engine: EngineName;
  readonly compute: Config['workers']['compute'];
  readonly quick: boolean;
}

const script = (name: string): string => join(import.meta.dirname, `${name}${import.meta.filename.slice(-3)}`);

function inNode(name: string, work: GpuWork | GpuImprove): readonly string[] {
  return [process.execPath, ...process.execArgv, script(name), JSON.stringify(work)];
}

export function planOf(like: string, model: string, { engine, compute, quick }: Choice): Planned[] {
  const work = (kind: 'learn' | 'rollout' | 'agree', questions: number, samples: number, tokens: number): Planned => {
    const shape = `${questions} x ${samples} x ${tokens}`;
    const names = {
      learn: `${like} learner step, ${shape}`,
      rollout: `${like} rollout, ${questions * samples} rows`,
      agree: `${like} in 16 bits, ${shape}`,
    };
    const rounds = quick ? 1 : 3;
    const command = inNode('gpu-work', { kind, model, engine, compute, questions, samples, tokens, rounds });
    return { kind, name: names[kind], command };
  };
  if (quick) return [work('learn', 1, 2, 8), work('rollout', 1, 4, 8), work('agree', 1, 4, 8)];
  const always = [work('learn', 2, 8, 128), work('rollout', 8, 8, 128), work('agree', 2, 8, 64)];
  return like === '7b' ? always : [...always, work('learn', 1, 8, 512), work('rollout', 32, 8, 128)];
}

/** The same work by torch, in Python. */
export function peerPlan(like: string, model: string, { engine, quick }: Choice): Planned {
  const device = engine === 'cpu' ? 'cpu' : 'cuda';
  const options = ['--model', model, '--device', device, '--rounds', '1', ...(quick ? ['--quick'] : [])];
  return {
    kind: 'peer',
    name: `${like} by torch`,
    command: ['python3', packagePath('bench/peers/gpu.py'), ...options],
  };
}

export function loopPlan({ engine, quick }: Choice): Planned {
  const model = packagePath('models/mini');
  const shape = { questions: 0, samples: 0, tokens: 0, rounds: quick ? 1 : 10 };
  return {
    kind: 'loop',
    name: 'loop of models/mini',
    command: inNode('gpu-work', { kind: 'loop', model, engine, ...shape }),
  };
}

/** Training and improving take at most `seconds` together. */
export function improvePlan(like: string, seconds: number, { engine, quick }: Choice): Planned {
  const work: GpuImprove = {
    kind: 'improve',
    like,
    engine,
    pretrain: { seconds: seconds / 3, steps: quick ? 1 : 60 },
    improve: { seconds: (2 * seconds) / 3, steps: quick ? 1 : 40 },
    questions: quick ? 10 : 200,
  };
  return { kind: 'improve', name: `${like} from the bundled model`, command: inNode('gpu-improve', work) };
}
