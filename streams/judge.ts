/**
 * Stage 3: the groups of one job get their verdicts, stored before a window may hold them. The voter's verdict may be revised by plug-ins: what
 * a response earns, its advantage, and whether the group is kept. One that is parked is done without.
 */
import { revised, type JudgeOptions } from '../src/learn/judge.ts';
import { InputError } from '../src/protocol/errors.ts';
import type { JudgedGroup, RolloutGroup, Verdict } from '../src/protocol/messages.ts';
import type { Rewarded } from '../src/protocol/ports.ts';
import type { Performer } from './crew.ts';
import type { Loop } from './loop.ts';
import type { Synthesis } from './synthesis.ts';

export function judge(loop: Loop, synthesis: Synthesis | undefined) {
  return async (groups: readonly RolloutGroup[], _lane: number, signal: AbortSignal): Promise<readonly JudgedGroup[]> => {
    const judged: JudgedGroup[] = [];
    for (const group of groups) judged.push({ group, verdict: await verdictOn(loop, group, signal) });
    loop.store.together(() => {
      loop.store.saveVerdicts(judged.map(({ verdict }) => verdict));
      synthesis?.judged(judged);
    });
    for (const each of judged) {
      loop.telemetry.judged(each);
      loop.announce({ type: 'judged', judged: each });
    }
    return judged;
  };
}

async function verdictOn(loop: Loop, group: RolloutGroup, signal: AbortSignal): Promise<Verdict> {
  const { crew, config } = loop;
  if (group.samples.length === 0) return refusal(group);
  const verdict = await crew.voter.perform({
    doing: `judging the answers to ${group.question.id}`,
    // The judge has its own deadline for each pair of answers; this one is for a judge that does not keep it.
    seconds: config.timeouts.judgeSeconds * group.samples.length + 1,
    signal,
    run: (port, inner) => port(group, inner),
  });
  return filtered(loop, group, await rewarded(loop, group, verdict, signal), signal);
}

function refusal({ id }: RolloutGroup): Verdict {
  return { groupId: id, answers: [], classes: [], winner: -1, share: 0, rewards: [], advantages: [], kept: false, dropped: 'refused' };
}

/** The verdict with the first plug-in's rewards that has some for this group, and with a plug-in's advantages. */
async function rewarded(loop: Loop, group: RolloutGroup, verdict: Verdict, signal: AbortSignal): Promise<Verdict> {
  const { rewards, advantage } = loop.crew;
  if (rewards.length === 0 && advantage === undefined) return verdict;
  const { answers, classes, winner, share } = verdict;
  let reply: Rewarded | undefined;
  for (const reward of rewards) {
    const request = { group, answers, classes, winner, share, votes: verdict.rewards };
    const given = await orNothing(loop, reward, `rewarding the answers to ${group.question.id}`, signal, (port, inner) => port(request, inner));
    if (given === undefined) continue;
    reply = 'rewards' in given ? given : { rewards: given };
    break;
  }
  if (reply === undefined && advantage === undefined) return verdict;
  const earned = reply?.rewards ?? verdict.rewards;
  const advantages =
    advantage &&
    (await orNothing(loop, advantage, `advantages for ${group.question.id}`, signal, (port, inner) =>
      port({ group, classes, winner, share, rewards: earned }, inner),
    ));
  if (reply === undefined && advantages === undefined) return verdict;
  return revised(verdict, { rewards: earned, advantages, verified: reply?.verified }, judgeOptions(loop.config.filters));
}

/** The first filter that objects to a group drops it. */
async function filtered(loop: Loop, group: RolloutGroup, verdict: Verdict, signal: AbortSignal): Promise<Verdict> {
  if (!verdict.kept) return verdict;
  if (verdict.share < loop.shareFloor()) return { ...verdict, kept: false, dropped: 'share-floor' };
  for (const filter of loop.crew.filters) {
    const why = await orNothing(loop, filter, `filtering ${group.question.id}`, signal, (port, inner) => port({ group, verdict }, inner));
    if (why !== undefined) return { ...verdict, kept: false, dropped: 'filtered', why: `${filter.plugin}: ${why}` };
  }
  return verdict;
}

/** Undefined once the actor is parked or removed. */
async function orNothing<P, R>(
  loop: Loop,
  performer: Performer<P>,
  doing: string,
  signal: AbortSignal,
  run: (port: P, signal: AbortSignal) => Promise<R> | R,
): Promise<R | undefined> {
  try {
    return await performer.perform({ doing, seconds: loop.config.timeouts.pluginSeconds, signal, run: async (port, inner) => run(port, inner) });
  } catch (error) {
    if (signal.aborted || error instanceof InputError) throw error;
    return undefined;
  }
}

export function judgeOptions(filters: Loop['config']['filters']): JudgeOptions {
  return { normaliseStd: true, ...filters };
}
