/**
 * The ports, one row each. Everything about ports elsewhere in Quorum derives from this table; their types are in
 * src/protocol/ports.ts.
 */
import type { PortName, SoloPort } from '../protocol/ports.ts';
import * as check from './check.ts';
import * as reply from './storable-reply.ts';

export interface PortRow {
  /** How many plug-ins may have the port at a time. Without the one, or while it is parked, Quorum does its work. */
  readonly holders: 'one' | 'many';
  /** Of the port's actor, and the beginning of its id. */
  readonly role: string;
  /** Whether Quorum has an actor of its own for the port, as part of the built-in plug-in. */
  readonly builtIn: boolean;
  /** Completes "A plug-in with this port ...". */
  readonly does: string;
  /** False when the port is called with its signal alone. */
  readonly hasRequest: boolean;
  readonly wrong: check.ReplyCheck;
  /** The reply as the store can hold it; absent where a reply has no text that is stored. */
  readonly storable?: (reply: never) => unknown;
}

const solo = { holders: 'one', hasRequest: true } as const;
const own = { ...solo, builtIn: true } as const;
const many = { holders: 'many', builtIn: false, hasRequest: true } as const;

export const PORT_TABLE = {
  ask: {
    ...own,
    role: 'questioner',
    does: 'chooses the questions',
    wrong: check.wrongQuestions,
    storable: reply.storableQuestions,
  },
  sample: {
    ...own,
    role: 'sampler',
    does: 'samples responses',
    wrong: check.wrongResponses,
    storable: reply.storableResponses,
  },
  judge: {
    ...own,
    role: 'voter',
    does: 'turns responses into a verdict',
    wrong: check.wrongVerdict,
    storable: reply.storableVerdict,
  },
  learn: {
    ...own,
    role: 'learner',
    does: 'takes a learner step',
    wrong: check.wrongStep,
    storable: reply.storableStep,
  },
  evaluate: {
    ...own,
    role: 'evaluator',
    does: 'measures a version on held-out questions',
    wrong: check.wrongEvaluation,
  },
  synthesize: {
    ...own,
    role: 'synthesizer',
    does: 'writes new questions',
    wrong: check.wrongWritten,
    storable: reply.storableWritten,
  },
  advantage: {
    ...solo,
    builtIn: false,
    role: 'advantage',
    does: 'turns rewards into advantages',
    wrong: check.wrongAdvantages,
  },
  check: {
    ...many,
    role: 'checker',
    does: 'says which responses have a vote',
    wrong: check.wrongFindings,
    storable: reply.storableFindings,
  },
  reward: { ...many, role: 'reward', does: 'rewards the responses of a group', wrong: check.wrongRewards },
  filter: { ...many, role: 'filter', does: 'drops groups', wrong: check.wrongWhy, storable: reply.storableWhy },
  watch: { ...many, role: 'watcher', does: 'hears what happens', wrong: check.anyReply },
  export: {
    ...many,
    role: 'exporter',
    does: 'takes every record elsewhere, at least once and in order',
    wrong: check.anyReply,
  },
  panel: {
    ...many,
    hasRequest: false,
    role: 'panel',
    does: 'shows something on the dashboard',
    wrong: check.wrongPanel,
  },
} as const satisfies {
  readonly [Name in PortName]: PortRow & { readonly holders: Name extends SoloPort ? 'one' : 'many' };
};

export const PORT_NAMES = Object.keys(PORT_TABLE) as readonly PortName[];

/** Ids of the sampler actors, one a lane. */
export function samplerIds(lanes: number): readonly string[] {
  return Array.from({ length: lanes }, (_, i) => `${PORT_TABLE.sample.role}-${i + 1}`);
}
