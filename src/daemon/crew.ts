/** Handles by id, as the streams want them. Which port an actor has is known by its role, so this is where the types are said. */
import type { Handle } from '../../actors/handle.ts';
import type { Ports } from '../protocol/ports.ts';
import type { Crew } from '../../streams/crew.ts';

export type Handles = ReadonlyMap<string, Handle<never>>;

export function crewOf(handles: Handles): Crew {
  const all = [...handles.values()];
  const ofRole = <Name extends keyof Ports>(role: string, _port: Name) =>
    all.filter((handle) => handle.role === role) as unknown as Handle<Ports[Name]>[];
  return {
    questioner: ofRole('questioner', 'ask')[0]!,
    samplers: ofRole('sampler', 'sample'),
    voter: ofRole('voter', 'judge')[0]!,
    learner: ofRole('learner', 'learn')[0]!,
    evaluator: ofRole('evaluator', 'evaluate')[0]!,
    synthesizer: ofRole('synthesizer', 'synthesize')[0],
    watchers: ofRole('watcher', 'watch'),
  };
}
