/**
 * The commands of a running daemon: one vocabulary for the control socket, the command line, the browser and the
 * guardian. The daemon carries a command out (src/daemon/commands.ts) and keeps it in the event log with its author and
 * its outcome. command-schema.ts reads commands from untrusted data.
 */
import type { NamedPlugin } from './plugins.ts';
import type { Phase } from './status.ts';

/** Commands of the loop. */
export type LoopCommand =
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'evaluate'; readonly full: boolean }
  | { readonly type: 'checkpoint' }
  /** `path` is one of the live settings (src/config/live.ts). */
  | { readonly type: 'set'; readonly path: string; readonly value: number }
  /** Learning continues from the weights of version `version`, as a new version. */
  | { readonly type: 'rollback'; readonly version: number }
  /** Finishes the step in hand, saves and ends the daemon. */
  | { readonly type: 'stop' };

export type PluginCommand =
  | ({ readonly type: 'plugin.add' } & NamedPlugin)
  | { readonly type: 'plugin.remove' | 'plugin.restart' | 'plugin.reload'; readonly name: string };

/** Lets the workers of a name finish their jobs and end. */
export interface WorkerCommand {
  readonly type: 'drain';
  readonly worker: string;
}

export type Command = LoopCommand | PluginCommand | WorkerCommand;

/** Authors of commands in the event log; a dashboard is named by its address instead. */
export const AUTHOR = { commandLine: 'command line', guardian: 'guardian', process: 'the process itself' } as const;

/** The daemon carries these out at once, even during other work. */
export function isUrgent({ type }: Command): boolean {
  return type === 'pause' || type === 'resume' || type === 'stop';
}

/**
 * A plug-in that a page may add: a package, or a path inside the configuration's folder. An absolute path, `..` or a
 * `data:` address would let a browser have the daemon run any file. Options and the right to read labels are given on
 * the daemon's machine only.
 */
export const ADDABLE_PLUGIN = /^(?:\.\/)?(?!\.{1,2}(?:\/|$))[\w@.~+-]+(?:\/(?!\.{1,2}(?:\/|$))[\w@.~+-]+)*$/;

interface CommandHelp {
  /** One or two sentences, for a page and for `--help`. */
  readonly help: string;
  /** Phases in which a page offers it; in others the daemon refuses it. */
  readonly phases: readonly Phase[];
}

const ALIVE: readonly Phase[] = ['starting', 'baseline', 'running', 'paused'];
const LOOPING: readonly Phase[] = ['running', 'paused'];

export const COMMANDS: { readonly [T in LoopCommand['type']]: CommandHelp } = {
  pause: {
    help: 'Finishes the step in hand, then waits for a resume. Nothing is lost.',
    phases: ['baseline', 'running'],
  },
  resume: { help: 'Continues a paused loop where it stopped.', phases: ALIVE },
  evaluate: {
    help: 'Greedy answers to the held-out questions with the newest version: its accuracy, or what shows without labels.',
    phases: LOOPING,
  },
  checkpoint: { help: 'Saves the newest version as a Hugging Face folder.', phases: LOOPING },
  set: {
    help: 'Changes a setting of the running loop. The change survives a restart, until the configuration itself is changed.',
    phases: LOOPING,
  },
  rollback: {
    help: 'Continues learning from the weights of a saved version, as a new version. Later versions stay in the store.',
    phases: LOOPING,
  },
  stop: { help: 'Finishes the step in hand, saves, and ends the daemon.', phases: ALIVE },
};

/** The words for `evaluate` with `full`. */
export const FULL_EVALUATION =
  'Also pass@1, maj@k and pass@k from several samples a question, where the questions have labels. Takes longer.';

/** The command as text: `set learner.learningRate to 0.00001`. */
export function commandWords(command: Command): string {
  switch (command.type) {
    case 'evaluate':
      return command.full ? 'evaluate in full' : 'evaluate';
    case 'set':
      return `set ${command.path} to ${command.value}`;
    case 'rollback':
      return `roll back to version ${command.version}`;
    case 'drain':
      return `drain worker ${command.worker}`;
    case 'plugin.add':
      return `add plug-in ${command.use}`;
    case 'plugin.remove':
    case 'plugin.restart':
    case 'plugin.reload':
      return `${command.type.slice('plugin.'.length)} plug-in ${command.name}`;
    default:
      return command.type;
  }
}

/** The outcome of a command that succeeded. The daemon gives better words for an evaluation, a save and a rollback. */
export function doneWords(command: Command): string {
  switch (command.type) {
    case 'pause':
      return 'Paused.';
    case 'resume':
      return 'Running again.';
    case 'evaluate':
      return command.full ? 'Evaluated in full.' : 'Evaluated.';
    case 'checkpoint':
      return 'Saved.';
    case 'set':
      return `${command.path} is ${command.value} now.`;
    case 'rollback':
      return `Rolled back to version ${command.version}.`;
    case 'stop':
      return 'The daemon is stopping.';
    case 'drain':
      return `Worker ${command.worker} takes no more jobs, and ends when it has none.`;
    case 'plugin.add':
      return `Added ${command.use}. It stays until the daemon stops: list it in plugins of the configuration to keep it.`;
    default:
      return `${PLUGIN_DONE[command.type]} ${command.name}.`;
  }
}

const PLUGIN_DONE = { 'plugin.remove': 'Removed', 'plugin.restart': 'Restarted', 'plugin.reload': 'Reloaded' } as const;
