/** Messages of a real run of the bundled model, to play to plug-ins. Made by test/testing/make-recorded.ts. */
import { readFileSync } from 'node:fs';
import type { Batch, Evaluation, JudgedGroup, PolicyVersion, Question } from '../protocol/messages.ts';
import type { LoopEvent, ModelLimits, PortName, Ports, RewardRequest, SampleRequest } from '../protocol/ports.ts';

interface Recording {
  /** G. */
  readonly samples: number;
  readonly limits: ModelLimits;
  readonly events: readonly LoopEvent[];
}

/** The request of a port; a panel has none. */
export type RequestOf<Name extends PortName> = Name extends 'panel' ? undefined : Parameters<Ports[Name]>[0];

export interface Recorded {
  /** Of the model. */
  readonly limits: ModelLimits;
  /** In the order in which they happened. */
  readonly events: readonly LoopEvent[];
  readonly groups: readonly JudgedGroup[];
  /** Each once, without labels. */
  readonly questions: readonly Question[];
  readonly batches: readonly Batch[];
  readonly versions: readonly PolicyVersion[];
  readonly evaluations: readonly Evaluation[];
  /** The requests that a run would make of each port, from these. */
  readonly requests: { readonly [Name in PortName]: readonly RequestOf<Name>[] };
}

const { samples, limits, events } = JSON.parse(
  readFileSync(new URL('./recorded.json', import.meta.url), 'utf8'),
) as Recording;

const groups = events.flatMap((event) => (event.type === 'judged' ? [event.judged] : []));
const versions = events.flatMap((event) => (event.type === 'learnt' ? [event.version] : []));
const evaluations = events.flatMap((event) => (event.type === 'evaluated' ? [event.evaluation] : []));
const kept = groups.filter(({ verdict }) => verdict.kept);
const questions = [...new Map(groups.map(({ group }) => [group.question.id, group.question])).values()];

/** Learnt groups come before the version learnt from them. */
function batchesOf(): readonly Batch[] {
  let waiting: JudgedGroup[] = [];
  return events.flatMap((event) => {
    if (event.type === 'judged' && event.judged.verdict.kept) waiting.push(event.judged);
    if (event.type !== 'learnt') return [];
    const { n, batchId } = event.version;
    const batch = { id: batchId ?? n, parent: n - 1, groups: waiting };
    waiting = [];
    return [batch];
  });
}

function rewardRequest({ group, verdict: { answers, classes, winner, share, rewards } }: JudgedGroup): RewardRequest {
  return { group, answers, classes, winner, share, votes: rewards };
}

function sampleRequest({ group: { question, policyVersion } }: JudgedGroup): SampleRequest {
  const params = { samples, temperature: 1, topP: 1, topK: 0, maxNewTokens: 64 };
  return { questions: [question], params, seed: 0, version: policyVersion };
}

const batches = batchesOf();

export const recorded: Recorded = {
  limits,
  events,
  groups,
  questions,
  batches,
  versions,
  evaluations,
  requests: {
    ask: [0, 4, 8].map((from) => ({ from, count: 4 })),
    sample: groups.map(sampleRequest),
    judge: groups.map(({ group }) => group),
    learn: batches,
    evaluate: evaluations.map(({ version, full }) => ({ version, full: full !== undefined })),
    synthesize: [0, 2].map((from) => ({ from, count: 2, version: 0 })),
    check: groups.map(({ group, verdict: { answers, classes } }) => ({ group, answers, classes })),
    reward: groups.map(rewardRequest),
    advantage: groups.map(({ group, verdict: { classes, winner, share, rewards } }) => ({
      group,
      classes,
      winner,
      share,
      rewards,
    })),
    filter: kept,
    watch: events,
    export: [{ records: events.filter((event) => event.type !== 'judged' || event.judged.verdict.kept) }],
    panel: [undefined],
  },
};
