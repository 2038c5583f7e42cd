/**
 * References from parts of the composition to parts that are built after them. Three arrows point back; `Late` cuts
 * them all, and `compose` and the lifecycle fill it in:
 *   telemetry and measures -> actors, commands, pipeline: what the status shows. Both are made first, because actors report notes while they open.
 *   system -> finish, save: how the run stops. The system is made before the loop, because the loop's performers are its actors.
 *   loop -> guardian, ending, audience, page: what receives events.
 */
import type { Handle } from '../../actors/handle.ts';
import type { Guardian } from '../../streams/guardian.ts';
import type { Pipeline } from '../../streams/pipeline.ts';
import type { Commands } from './commands.ts';
import type { Phases } from './phases.ts';

export interface Late {
  handles: ReadonlyMap<string, Pick<Handle<never>, 'status'>>;
  commands: Pick<Commands, 'inHand'>;
  phases: Pick<Phases, 'pausedAt'>;
  /** Undefined where guardian.mode is off. */
  guardian: Guardian | undefined;
  /** Set by the lifecycle when the loop begins. */
  pipeline: Pipeline | undefined;
  /** Set by the lifecycle; see SystemInput. */
  finish: () => Promise<void>;
  save: () => Promise<void>;
  /** A plug-in asks for the end of the run; a loop that has not begun ends as it begins. Set by the lifecycle. */
  asked: () => void;
}

/** The answers of a run whose loop has not begun. */
export function nothingLate(): Late {
  return {
    handles: new Map(),
    commands: { inHand: () => [] },
    phases: { pausedAt: undefined },
    guardian: undefined,
    pipeline: undefined,
    finish: () => Promise.resolve(),
    save: () => Promise.resolve(),
    asked: () => {},
  };
}
