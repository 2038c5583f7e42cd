/**
 * The command line from source, in a process of its own, whose `start` has a toy policy that hangs for ever in the call
 * that STUCK_IN names (`open`, `sample`, `learn` or `save`), ignoring its signal, after it printed `stuck`. The value
 * `import` is for the plug-in `stuck-plugin.mjs`.
 */
import './ends-with-test.ts';
import { main } from '../../src/cli.ts';
import { startCommand } from '../../src/cli/commands/start.ts';
import { createProgram } from '../../src/cli/program.ts';
import { ToyPolicy } from './toy-policy.ts';

let alive: NodeJS.Timeout | undefined;

function hangIn(call: string): Promise<void> | undefined {
  if (process.env['STUCK_IN'] !== call) return undefined;
  process.stdout.write('stuck\n');
  alive ??= setInterval(() => {}, 60_000);
  return new Promise(() => {});
}

class StuckPolicy extends ToyPolicy {
  override async open(): Promise<{ readonly version: number }> {
    await hangIn('open');
    return super.open();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(alive);
    await super[Symbol.asyncDispose]();
  }
}

const faults = {
  beforeSample: () => hangIn('sample'),
  beforeLearn: () => hangIn('learn'),
  beforeSave: () => hangIn('save'),
};
await main(process.argv, createProgram(startCommand({ createPolicy: () => new StuckPolicy({ faults }) })));

// As bin/quorum.js does: a module whose import never settles may keep the process alive.
setTimeout(() => process.exit(), 1_000).unref();
