/**
 * Parses commands from untrusted data strictly: an unknown key is an error. The one file of the protocol that needs
 * zod: a browser does not load it.
 */
import { z } from 'zod';
import { ADDABLE_PLUGIN, type Command } from './commands.ts';

const LONGEST_NAME = 512;

const version = z.int().min(0);
const name = z.string().min(1).max(LONGEST_NAME);

const ofLoop = [
  z.strictObject({ type: z.literal('pause') }),
  z.strictObject({ type: z.literal('resume') }),
  z.strictObject({ type: z.literal('stop') }),
  z.strictObject({ type: z.literal('evaluate'), full: z.boolean() }),
  z.strictObject({ type: z.literal('checkpoint') }),
  z.strictObject({ type: z.literal('set'), path: name, value: z.number() }),
  z.strictObject({ type: z.literal('rollback'), version }),
] as const;

const ofNamedPlugin = z.strictObject({ type: z.enum(['plugin.remove', 'plugin.restart', 'plugin.reload']), name });

const addFromBrowser = z.strictObject({
  type: z.literal('plugin.add'),
  use: z
    .string()
    .max(LONGEST_NAME)
    .regex(ADDABLE_PLUGIN, 'expected a package, or a path inside the folder of the configuration'),
  thread: z.boolean().exactOptional(),
});

/** Only the user of the daemon can open the control socket. */
const addFromMachine = z.strictObject({
  type: z.literal('plugin.add'),
  use: z.string().min(1),
  options: z.unknown().exactOptional(),
  thread: z.boolean().exactOptional(),
  labels: z.boolean().exactOptional(),
});

const drain = z.strictObject({ type: z.literal('drain'), worker: name });

/** A command from a dashboard page. */
export const browserCommand = z.discriminatedUnion('type', [
  ...ofLoop,
  addFromBrowser,
  ofNamedPlugin,
]) satisfies z.ZodType<Command>;

/** A command from the control socket. */
export const machineCommand = z.discriminatedUnion('type', [
  ...ofLoop,
  addFromMachine,
  ofNamedPlugin,
  drain,
]) satisfies z.ZodType<Command>;
