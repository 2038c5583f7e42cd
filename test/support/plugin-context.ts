/**
 * The context of a plug-in's port that a test opens without a daemon: real pictures, real answer classes, a folder of
 * its own.
 */
import { onTestFinished } from 'vitest';
import { loadPicture } from '../../src/data/picture.ts';
import { Grader } from '../../src/learn/grader.ts';
import type { PortContext } from '../../src/plugin/define.ts';
import { modelText } from '../../src/compute/rollout/model-text.ts';
import { PermissionError } from '../../src/protocol/errors.ts';
import type { Question } from '../../src/protocol/messages.ts';
import type { PortName, Ports } from '../../src/protocol/ports.ts';
import { temporaryFolder } from './temporary.ts';

export interface TestContext<Name extends PortName> extends PortContext<undefined, Name> {
  /** Texts that the port passed to `tell` and, as `stop: reason`, to `stop`. */
  readonly told: readonly string[];
  /** Aborts `signal`, as stopping the actor does; the end of the test does it too. */
  end(): void;
}

export interface ContextParts<Name extends PortName> {
  readonly seed?: number;
  /** Default: a temporary folder. Pass the same one again to open the port as after a restart. */
  readonly folder?: string;
  /** The data set's questions. */
  readonly questions?: readonly Question[];
  /** Labels by question id; without them `label` throws a PermissionError. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The plug-in that this one wraps; without it `next` throws. */
  readonly next?: Ports[Name];
}

export function pluginContext<Name extends PortName>(parts: ContextParts<Name> = {}): TestContext<Name> {
  const { seed = 0, folder = temporaryFolder(), questions = [], labels, next } = parts;
  const controller = new AbortController();
  const grader = new Grader({ deadlineSeconds: 5 });
  onTestFinished(async () => {
    controller.abort();
    await grader[Symbol.asyncDispose]();
  });
  const told: string[] = [];
  return {
    options: undefined,
    signal: controller.signal,
    seed,
    folder,
    base: folder,
    questions: {
      size: questions.length,
      question: (i) => questions[i]!,
      pictures: () => questions.flatMap(({ pictures }) => pictures),
    },
    ...modelText(undefined),
    weights: (version) => Promise.reject(new RangeError(`version ${version} is not in memory`)),
    picture: loadPicture,
    classify: (answers) => grader.classify(answers),
    label(id) {
      if (!labels) throw new PermissionError('labels are not allowed');
      return labels[id];
    },
    tell: (text) => told.push(text),
    stop: (reason) => told.push(`stop: ${reason}`),
    get next(): Ports[Name] {
      if (!next) throw new Error('there is nothing to wrap');
      return next;
    },
    told,
    end: () => controller.abort(),
  };
}

/** A signal that never aborts. */
export const idle: AbortSignal = new AbortController().signal;
