/** Makes the context of a plug-in's port: the services of the daemon that it gets in addition to its options. */
import { join } from 'node:path';
import type { Dataset, Labels } from '../data/dataset.ts';
import { loadPicture } from '../data/picture.ts';
import { groupAdvantages } from '../learn/advantage.ts';
import type { Classifier } from '../learn/judge.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { modelText } from '../compute/rollout/model-text.ts';
import type { WeightsOf } from '../policy/sampler.ts';
import type { Plugin, Services } from '../plugin/load.ts';
import { PermissionError } from '../protocol/errors.ts';
import type { ModelLimits, PortName, Ports, PromptSource } from '../protocol/ports.ts';

export interface ServiceParts {
  readonly seed: number;
  readonly runFolder: string;
  /** Folder of the configuration, from which relative paths in options are resolved. */
  readonly base: string;
  readonly train: Dataset;
  readonly labels: Labels;
  readonly grader: Classifier;
  readonly builtIn: Plugin;
  readonly limits?: ModelLimits | undefined;
  readonly prompts?: PromptSource | undefined;
  /** Gives the weights of a version. */
  readonly weights: WeightsOf;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly tell: (plugin: string, text: string) => void;
  /** Called when a plug-in asks to end the run. */
  readonly stop: (plugin: string, reason: string) => void;
}

/** @param signal aborts when the actor ends. */
export type ServicesOf = <Name extends PortName>(plugin: Plugin, port: Name, signal: AbortSignal) => Services<Name>;

const LINES_A_MINUTE = 10;
const LONGEST_LINE = 500;
const MINUTE = 60_000;

export function servicesOf(parts: ServiceParts): ServicesOf {
  const { seed, runFolder, base, train, labels, grader, limits, prompts, weights } = parts;
  const { tokenizer, prompt } = modelText(prompts);
  const tellers = new Map<string, (text: unknown) => void>();
  return (plugin, port, signal) => {
    const { name } = plugin;
    const tell = tellers.get(name) ?? limited(parts.now, (text) => parts.tell(name, text));
    tellers.set(name, tell);
    const folder = pluginFolder(runFolder, name);
    if (plugin !== parts.builtIn) makeFolder(folder, 0o700);
    let next: Ports[typeof port] | undefined;
    return {
      seed,
      folder,
      base,
      limits,
      prompts,
      tokenizer,
      prompt,
      weights,
      signal,
      tell,
      stop(reason: unknown) {
        if (!signal.aborted) parts.stop(name, String(reason));
      },
      questions: { size: train.size, question: (i) => train.question(i), pictures: () => train.pictures() },
      picture: (ref) => loadPicture(ref),
      classify: (answers) => grader.classify(answers),
      label(id) {
        if (plugin.use.labels === true) return labels.label(id);
        throw new PermissionError(
          `plug-in ${name} asks for a label: list it as {use, labels: true} to allow that; the run is then supervised`,
        );
      },
      get next() {
        return (next ??= nextOf(parts, port, signal));
      },
    };
  };
}

/** The plug-in's own folder in the run folder. */
export function pluginFolder(runFolder: string, name: string): string {
  return join(runFolder, 'plugins', name.replaceAll('/', '+'));
}

/** The port's built-in implementation, which does the work without the plug-in; opened at the first call. */
function nextOf<Name extends PortName>(parts: ServiceParts, port: Name, signal: AbortSignal): Ports[Name] {
  const { builtIn } = parts;
  if (port === 'advantage') {
    const advantage: Ports['advantage'] = ({ rewards }) => groupAdvantages(rewards, { normaliseStd: true });
    return advantage as Ports[Name];
  }
  const open = builtIn.ports[port];
  if (!open) throw new Error(`the port "${port}" has no next: without plug-ins nothing does its work`);
  let opened: Promise<Ports[Name]> | undefined;
  const call = async (request: unknown, cancel: AbortSignal): Promise<unknown> => {
    opened ??= open(servicesOf(parts)(builtIn, port, signal) as never);
    return ((await opened) as unknown as typeof call)(request, cancel);
  };
  return call as unknown as Ports[Name];
}

/** Limits lines a minute; it counts further lines and reports the count with the first line of a later minute. */
function limited(now: () => number, tell: (text: string) => void): (text: unknown) => void {
  let [since, lines, left] = [-Infinity, 0, 0];
  return (text) => {
    if (now() - since >= MINUTE) [since, lines] = [now(), 0];
    if (++lines > LINES_A_MINUTE) {
      left += 1;
      return;
    }
    const line = String(text).slice(0, LONGEST_LINE);
    tell(left > 0 ? `${line} (and ${left} lines before it, too many to show)` : line);
    left = 0;
  };
}
