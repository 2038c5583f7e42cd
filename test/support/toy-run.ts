/** Writes toy questions to disk and makes a configuration that trains on them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, ConfigInput } from '../../src/config/schema.ts';
import { temporaryFolder, toyConfig } from './rig.ts';
import { toyAnswer } from './toy-policy.ts';

export interface ToyRun {
  readonly folder: string;
  readonly config: Config;
}

export function toyRun(input: ConfigInput = {}, folder = temporaryFolder()): ToyRun {
  const write = (name: string, count: number) => {
    const lines = Array.from({ length: count }, (_, i) => ({
      id: `${name}-${i}`,
      problem: `question ${i}`,
      images: [],
      answer: String(toyAnswer(`question ${i}`)),
    }));
    const file = join(folder, `${name}.jsonl`);
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
    return file;
  };
  const data = { type: 'jsonl', trainFile: write('train', 48), heldOutFile: write('held-out', 12) } as const;
  const config = toyConfig({
    data,
    runFolder: join(folder, 'run'),
    checkpoints: { everySteps: 4, keepLast: 2 },
    ...input,
  });
  return { folder, config };
}
