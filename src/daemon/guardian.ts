/** Makes the guardian's actor and connects it to the loop. */
import { guardian } from '../roles/guardian.ts';
import type { Handle } from '../../actors/handle.ts';
import type { Member } from '../../actors/system.ts';
import { Guardian } from '../../streams/guardian.ts';
import type { Loop } from '../../streams/loop.ts';
import type { Config } from '../config/schema.ts';
import type { AskCanaries } from '../guardian/probe.ts';
import { AUTHOR, type Command } from '../protocol/commands.ts';
import type { Commands } from './commands.ts';
import type { OpenRun } from './open-run.ts';

const ID = 'guardian';

/** Empty when guardian.mode is off. Past its restart budget the loop continues without it. */
export function guardianMembers(config: Config, { policy: { sampler }, data, grader }: OpenRun): readonly Member[] {
  if (config.guardian.mode === 'off') return [];
  const labels = config.guardian.labelled ? data.labels : undefined;
  const open = () =>
    Promise.resolve(guardian({ sampler, heldOut: data.heldOut, train: data.train, labels, grader, config }));
  return [{ role: 'guardian', id: ID, open, optional: true }];
}

export interface GuardianOptions {
  readonly config: Config;
  readonly loop: Loop;
  readonly handles: ReadonlyMap<string, Handle<never>>;
  readonly commands: Pick<Commands, 'command'>;
  readonly say: (text: string) => void;
}

export function guardianOf({ config, loop, handles, commands, say }: GuardianOptions): Guardian | undefined {
  const performer = handles.get(ID) as unknown as Handle<AskCanaries> | undefined;
  if (performer === undefined) return undefined;
  const command = async (wanted: Command): Promise<void> => void (await commands.command(wanted, AUTHOR.guardian));
  return new Guardian({ loop, options: config.guardian, performer, command, say });
}
