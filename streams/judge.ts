/**
 * Stage 4: the groups of one job get their verdicts, stored before a window may hold them. The voter's verdict may be
 * revised by plug-ins: what a response earns, its advantage, and whether the group is kept. A parked or
 * removed plug-in is skipped. A stop cancels the groups in hand here: they are in the store, and get their verdicts
 * after the next start.
 */
import { revised } from '../src/learn/judge.ts';
import { isWriting } from '../src/learn/question-reward.ts';
import type { DropReason, JudgedGroup, RolloutGroup, Verdict } from '../src/protocol/messages.ts';
import type { Call, OfPlugin } from '../src/protocol/performer.ts';
import type { Rewarded } from '../src/protocol/ports.ts';
import { filtering, rewarding, weighing } from '../src/roles/plug-ins.ts';
import { judgeOptions, judging } from '../src/roles/voter.ts';
import { askEach } from './ask-each.ts';
import type { CurriculumStage } from './curriculum.ts';
import type { Loop } from './loop.ts';
import type { Synthesis } from './synthesis.ts';
import type { Writing } from './writing.ts';

/** Only the announcement of a verdict needs the effects. */
type Judging = Pick<Loop, 'parts' | 'state'>;

/** Those that remember what became of their questions. */
export interface Rememberers {
  readonly synthesis?: Synthesis | undefined;
  readonly curriculum?: CurriculumStage | undefined;
  readonly writing: Writing;
}

export function judge(loop: Loop, { synthesis, curriculum, writing }: Rememberers) {
  return async (groups: readonly RolloutGroup[]): Promise<readonly JudgedGroup[]> => {
    const judged = [
      ...(await answered(
        loop,
        groups.filter(({ question }) => !isWriting(question)),
      )),
      ...(await written(
        loop,
        writing,
        groups.filter(({ question }) => isWriting(question)),
      )),
    ];
    loop.parts.store.transaction(() => {
      loop.parts.store.saveVerdicts(judged.map(({ verdict }) => verdict));
      synthesis?.judged(judged);
      curriculum?.judged(judged);
      writing.judged(judged);
    });
    for (const each of judged) {
      loop.parts.measures.judged(each);
      loop.effects.announce({ type: 'judged', judged: each });
    }
    return judged;
  };
}

async function answered(loop: Judging, groups: readonly RolloutGroup[]): Promise<readonly JudgedGroup[]> {
  const voted: JudgedGroup[] = [];
  for (const group of groups) voted.push({ group, verdict: await verdictOn(loop, group) });
  return filtered(
    loop,
    await rewarded(
      loop,
      voted.map((each) => floored(loop, each)),
    ),
  );
}

/** Without a synthesizer, which the run may have had at an earlier start, nothing comes of them. */
async function written(
  { parts: { performers } }: Judging,
  writing: Writing,
  groups: readonly RolloutGroup[],
): Promise<readonly JudgedGroup[]> {
  const judged: JudgedGroup[] = [];
  for (const group of groups) {
    const isOpen = group.samples.length > 0 && performers.synthesizer !== undefined;
    const reason = group.samples.length === 0 ? 'refused' : 'gone';
    judged.push({ group, verdict: isOpen ? await writing.verdictOn(group) : noVerdict(group, reason) });
  }
  return judged;
}

function verdictOn({ parts: { performers, config }, state: { stop } }: Judging, group: RolloutGroup): Promise<Verdict> {
  if (group.samples.length === 0) return Promise.resolve(noVerdict(group, 'refused'));
  return performers.voter.perform({ ...judging(group, config.timeouts), signal: stop });
}

function noVerdict({ id }: RolloutGroup, dropped: DropReason): Verdict {
  return {
    groupId: id,
    answers: [],
    classes: [],
    winner: -1,
    share: 0,
    rewards: [],
    advantages: [],
    kept: false,
    dropped,
  };
}

/** The guardian's floor of vote shares may be above that of `filters.shareFloor`, which the voter applies. */
function floored({ state: { shareFloor } }: Judging, judged: JudgedGroup): JudgedGroup {
  const { verdict } = judged;
  if (!verdict.kept || verdict.share >= shareFloor) return judged;
  return { ...judged, verdict: { ...verdict, kept: false, dropped: 'share-floor' } };
}

/** Verdicts with the first plug-in's rewards that has some for the group, and with a plug-in's advantages. */
async function rewarded(loop: Judging, voted: readonly JudgedGroup[]): Promise<readonly JudgedGroup[]> {
  const { rewards, advantage } = loop.parts.performers;
  if (rewards.length === 0 && advantage === undefined) return voted;
  const earned = new Map<JudgedGroup, Rewarded>();
  for (const reward of rewards) {
    const open = voted.filter((each) => each.group.samples.length > 0 && !earned.has(each));
    const replies = await each(
      loop,
      reward,
      () => loop.parts.performers.rewards,
      open,
      ({ group, verdict }, which) => {
        const { answers, classes, winner, share } = verdict;
        return rewarding(
          { group, answers, classes, winner, share, votes: verdict.rewards },
          which,
          loop.parts.config.timeouts,
        );
      },
    );
    for (const [i, given] of replies.entries()) {
      if (given !== undefined) earned.set(open[i]!, 'rewards' in given ? given : { rewards: given });
    }
  }
  const answered = voted.filter(({ group }) => group.samples.length > 0);
  const advantagesOf = (judged: JudgedGroup, which: string) => {
    const { classes, winner, share, rewards: votes } = judged.verdict;
    const request = { group: judged.group, classes, winner, share, rewards: earned.get(judged)?.rewards ?? votes };
    return weighing(request, which, loop.parts.config.timeouts);
  };
  const advantages = advantage
    ? await each(loop, advantage, () => [loop.parts.performers.advantage], answered, advantagesOf)
    : [];
  const { filters } = loop.parts.config;
  const options = judgeOptions({ ...filters, shareFloor: Math.max(filters.shareFloor, loop.state.shareFloor) });
  return voted.map((judged) => {
    const [reply, own] = [earned.get(judged), advantages[answered.indexOf(judged)]];
    if (reply === undefined && own === undefined) return judged;
    const revision = { rewards: reply?.rewards ?? judged.verdict.rewards, advantages: own, verified: reply?.verified };
    return { ...judged, verdict: revised(judged.verdict, revision, options) };
  });
}

/** The first filter that objects to a group drops it. */
async function filtered(loop: Judging, all: readonly JudgedGroup[]): Promise<readonly JudgedGroup[]> {
  let judged = all;
  for (const filter of loop.parts.performers.filters) {
    const kept = judged.filter(({ verdict }) => verdict.kept);
    const call = (group: JudgedGroup, which: string) => filtering(group, which, loop.parts.config.timeouts);
    const objections = await each(loop, filter, () => loop.parts.performers.filters, kept, call);
    judged = judged.map((group) => {
      const why = objections[kept.indexOf(group)];
      return why === undefined
        ? group
        : {
            ...group,
            verdict: { ...group.verdict, kept: false, dropped: 'filtered', why: `${filter.plugin}: ${why}` },
          };
    });
  }
  return judged;
}

/** One reply for each group, or none once the plug-in's actor is parked or removed. */
async function each<P, R>(
  { parts: { performers }, state: { stop } }: Judging,
  first: OfPlugin<P>,
  those: () => readonly (OfPlugin<P> | undefined)[],
  groups: readonly JudgedGroup[],
  callOf: (judged: JudgedGroup, which: string) => Call<P, R>,
): Promise<readonly R[]> {
  performers.voter.waitsFor(first.id);
  try {
    const replies = await askEach({ first, those, stop }, groups, callOf);
    return replies.length < groups.length ? [] : replies;
  } finally {
    performers.voter.waitsFor('work');
  }
}
