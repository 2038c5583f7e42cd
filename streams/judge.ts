/** Stage 3: the groups of one job get their verdicts, stored before a window may hold them. */
import type { JudgedGroup, RolloutGroup, Verdict } from '../src/protocol/messages.ts';
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

function verdictOn({ crew, config }: Loop, group: RolloutGroup, signal: AbortSignal): Promise<Verdict> {
  if (group.samples.length === 0) return Promise.resolve(refusal(group));
  return crew.voter.perform({
    doing: `judging the answers to ${group.question.id}`,
    // The judge has its own deadline for each pair of answers; this one is for a judge that does not keep it.
    seconds: config.timeouts.judgeSeconds * group.samples.length + 1,
    signal,
    run: (port, inner) => port(group, inner),
  });
}

function refusal({ id }: RolloutGroup): Verdict {
  return { groupId: id, answers: [], classes: [], winner: -1, share: 0, rewards: [], advantages: [], kept: false, dropped: 'refused' };
}
