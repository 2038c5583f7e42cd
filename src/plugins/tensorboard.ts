/**
 * Scalars for TensorBoard: `tensorboard --logdir FOLDER`. Figures of groups judged between two learner steps appear as
 * their mean, at the later step.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { API_VERSION, definePlugin, type JudgedGroup, type LoopEvent, makeFolder } from 'quorum';
import { z } from 'zod';
import { versionRecord, scalarsRecord } from './tensorboard/event-file.ts';

type Scalars = Readonly<Record<string, number>>;

export default definePlugin({
  name: 'tensorboard',
  apiVersion: API_VERSION,
  options: z.strictObject({
    folder: z
      .string()
      .min(1)
      .optional()
      .describe("Folder of event files, relative to the configuration's folder; default: the plug-in's own."),
  }),
  ports: {
    watch: ({ options, folder, base }) => {
      const logs = options.folder === undefined ? folder : resolve(base, options.folder);
      makeFolder(logs);
      const now = (): number => Date.now() / 1000;
      const file = newFile(
        logs,
        `events.out.tfevents.${String(Math.floor(now())).padStart(10, '0')}.${hostname()}.${process.pid}`,
        versionRecord(now()),
      );
      const write = (step: number, scalars: Scalars): void =>
        appendFileSync(file, scalarsRecord({ step, seconds: now(), scalars }));
      const groups = new Means();
      return (event) => show(event, groups, write);
    },
  },
});

/**
 * A file for each start, as TensorBoard expects: it reads them in the order of their names. One process may start more
 * than once a second.
 */
function newFile(folder: string, name: string, head: Uint8Array): string {
  for (let count = 0; ; count += 1) {
    const file = join(folder, `${name}.${count}`);
    try {
      writeFileSync(file, head, { flag: 'wx' });
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function show(event: LoopEvent, groups: Means, write: (step: number, scalars: Scalars) => void): void {
  switch (event.type) {
    case 'judged':
      return groups.add(ofGroup(event.judged));
    case 'learnt': {
      const { n, metrics } = event.version;
      return write(n, { ...prefixed('learner', metrics ?? {}), ...groups.take() });
    }
    case 'evaluated': {
      const { version, greedy, full, labelFree } = event.evaluation;
      const { pass1, majK, passK } = full ?? {};
      return write(version, {
        ...prefixed('held-out', { greedy, pass1, majK, passK }),
        ...prefixed('held-out', labelFree ?? {}),
      });
    }
  }
}

function ofGroup({ group: { samples, checks }, verdict }: JudgedGroup): Scalars {
  if (samples.length === 0) return { 'groups/kept': 0 };
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    'groups/kept': Number(verdict.kept),
    'groups/vote-share': verdict.share,
    'groups/reward': mean(verdict.rewards),
    'groups/response-tokens': mean(samples.map(({ tokens }) => tokens.length)),
    'groups/no-answer': mean(verdict.answers.map((answer) => Number(answer === null))),
    ...(checks && {
      'groups/vote-lost': mean(verdict.classes.map((own, i) => Number(own < 0 && verdict.answers[i] !== null))),
    }),
  };
}

function prefixed(prefix: string, values: object): Scalars {
  const entries = Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return Object.fromEntries(entries.map(([name, value]) => [`${prefix}/${name}`, value]));
}

class Means {
  readonly #sums = new Map<string, { sum: number; count: number }>();

  add(values: Scalars): void {
    for (const [name, value] of Object.entries(values)) {
      const { sum, count } = this.#sums.get(name) ?? { sum: 0, count: 0 };
      this.#sums.set(name, { sum: sum + value, count: count + 1 });
    }
  }

  /** The means since it was last called. */
  take(): Scalars {
    const means = Object.fromEntries([...this.#sums].map(([name, { sum, count }]) => [name, sum / count]));
    this.#sums.clear();
    return means;
  }
}
