/** The command line from source, in a process of its own, whose `start` has the toy policy. */
import './ends-with-test.ts';
import { main } from '../../src/cli.ts';
import { startCommand } from '../../src/cli/commands/start.ts';
import { createProgram } from '../../src/cli/program.ts';
import { ToyPolicy } from './toy-policy.ts';

const start = startCommand({ createPolicy: (_, { checkpoint }) => new ToyPolicy(checkpoint ? { checkpoint } : {}) });
await main(process.argv, createProgram(start));
