/** Thread entry: one plug-in and its opened ports. Producer of tasks: thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { importDefault } from '../lib/import-default.ts';
import { loadPicture } from '../data/picture.ts';
import { Grader } from '../learn/grader.ts';
import { toErrorData, type ErrorData } from '../protocol/errors.ts';
import type { ModelLimits, PortName, PromptSource } from '../protocol/ports.ts';
import { sharedController } from '../lib/shared-signal.ts';
import type { PluginDefinition, PortContext } from './define.ts';
import { openPort } from './open-port.ts';
import { modelText } from '../compute/rollout/model-text.ts';
import { PORT_TABLE } from './port-table.ts';
import { notInThread, type ThreadOptions } from './thread.ts';

export interface ThreadTask {
  readonly type: 'open' | 'call';
  /** Which opening of the port; a thread that replaces another opens it again. */
  readonly opened: number;
  readonly port: PortName;
  readonly seed: number;
  readonly folder: string;
  readonly base: string;
  readonly limits: ModelLimits | undefined;
  readonly prompts: PromptSource | undefined;
  readonly request: unknown;
}

/** Messages of a port between its replies. */
export interface ThreadWord {
  readonly opened: number;
  readonly type: 'tell' | 'stop';
  readonly text: string;
}

/** Errors lose their class between threads, so they travel as data. */
export type ThreadReply = { readonly value: unknown; readonly error?: undefined } | { readonly error: ErrorData };

const { specifier, from, options } = workerData as ThreadOptions;
const PAIR_SECONDS = 5;
const grader = new Grader({ deadlineSeconds: PAIR_SECONDS });
/** A thread that keeps running has nothing to cancel. */
const { signal } = sharedController();

let definition: Promise<PluginDefinition<unknown>> | undefined;
const ports = new Map<number, Promise<(request: unknown, signal: AbortSignal) => unknown>>();

export default async function perform(task: ThreadTask): Promise<ThreadReply> {
  try {
    const { port, opened } = task;
    const known = ports.get(opened) ?? open(task);
    ports.set(opened, known);
    const call = await known;
    if (task.type === 'open') return { value: undefined };
    return { value: await (PORT_TABLE[port].hasRequest ? call(task.request, signal) : call(signal, signal)) };
  } catch (error) {
    return { error: toErrorData(error) };
  }
}

async function open({
  port,
  opened,
  seed,
  folder,
  base,
  limits,
  prompts,
}: ThreadTask): Promise<(request: unknown, signal: AbortSignal) => unknown> {
  definition ??= importDefault(specifier, from) as Promise<PluginDefinition<unknown>>;
  const say = (type: ThreadWord['type'], text: string) =>
    parentPort?.postMessage({ opened, type, text } satisfies ThreadWord);
  const context: PortContext<unknown> = {
    options: undefined,
    signal,
    seed,
    folder,
    base,
    limits,
    ...modelText(prompts),
    picture: loadPicture,
    classify: (answers) => grader.classify(answers),
    tell: (text) => say('tell', text),
    stop: (text) => say('stop', text),
    label: () => notInThread('label'),
    weights: () => notInThread('weights'),
    get questions() {
      return notInThread('questions');
    },
    get next() {
      return notInThread('next');
    },
  };
  return (await openPort(await definition, port, context, options)) as unknown as (
    request: unknown,
    signal: AbortSignal,
  ) => unknown;
}
