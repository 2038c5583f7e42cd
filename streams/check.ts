/**
 * Stage 3: checks look at the work of each response of a job and say whether it has a vote. What they find is stored
 * with the groups before the voter sees it, so a loop that is killed in between gives the same verdicts after the
 * restart. Without checks the groups pass as they are. A parked check abstains. A stop cancels the groups in hand here:
 * they are in the store, and are checked after the next start.
 */
import { extractAnswer } from '../src/learn/answer.ts';
import { isWriting } from '../src/learn/question-reward.ts';
import { CancelledError } from '../src/protocol/errors.ts';
import type { Checked, CheckFinding, RolloutGroup } from '../src/protocol/messages.ts';
import type { OfPlugin } from '../src/protocol/performer.ts';
import type { Check, CheckRequest } from '../src/protocol/ports.ts';
import type { ActorStatus } from '../src/protocol/status.ts';
import { checking } from '../src/roles/checker.ts';
import { askEach, type Asked } from './ask-each.ts';
import { furtherSamples, type Wanting } from './further-samples.ts';
import type { Loop } from './loop.ts';

type Groups = readonly RolloutGroup[];
type CheckedGroup = RolloutGroup & { readonly checks: readonly Checked[] };

const PARKED: CheckFinding = { vote: null, why: 'the check is parked' };

/** @param queue that the checks take from, for their status. */
export function check(loop: Loop, queue: () => ActorStatus['queue']) {
  const { performers } = loop.parts;
  const tellParked = parkedNote(loop);
  const work = loop.state.gate.counted((groups: Groups) => checkAll(loop, groups));
  return async (groups: Groups): Promise<Groups> => {
    tellParked();
    if (performers.checks.length + performers.parkedChecks.length === 0) return groups;
    if (!(await loop.state.gate.pass())) throw new CancelledError('the daemon stops');
    for (const each of performers.checks) each.takesFrom(queue);
    return work(groups);
  };
}

/** Reports a check once each time it is parked. */
function parkedNote({ parts: { performers }, effects }: Loop): () => void {
  let known: readonly string[] = [];
  return () => {
    const parked = performers.parkedChecks;
    for (const name of parked.filter((each) => !known.includes(each))) {
      effects.say(
        `check ${name} is parked: it abstains, so responses keep their vote, until \`quorum plugins restart ${name}\``,
      );
    }
    known = parked;
  };
}

async function checkAll(loop: Loop, groups: Groups): Promise<Groups> {
  // A group without samples was refused; one with findings was checked before a restart. Written questions have no
  // answer to check; the votes on them do (writing-votes.ts).
  const open = groups.filter(
    ({ question, samples, checks }) => samples.length > 0 && checks === undefined && !isWriting(question),
  );
  const checked = new Map((await withChecks(loop, open)).map((group) => [group.id, group]));
  loop.parts.store.saveChecks([...checked.values()]);
  return groups.map((group) => checked.get(group.id) ?? group);
}

/** The groups with what all checks find of them. */
export async function withChecks(loop: Pick<Loop, 'parts' | 'state'>, open: Groups): Promise<readonly CheckedGroup[]> {
  const { performers } = loop.parts;
  const requests = await Promise.all(open.map((group) => requestOf(loop, group)));
  const checks: Checked[][] = open.map(() => []);
  const add = (name: string, findings: readonly (readonly CheckFinding[])[]) =>
    open.forEach(({ samples }, i) => {
      checks[i]!.push({ check: name, findings: findings[i] ?? samples.map(() => PARKED) });
    });
  for (const name of performers.parkedChecks) add(name, []);
  for (const each of performers.checks) add(each.plugin, await findingsOf(loop, each, requests));
  return open.map((group, i) => ({ ...group, checks: checks[i]! }));
}

async function requestOf({ parts: { grader } }: Pick<Loop, 'parts'>, group: RolloutGroup): Promise<CheckRequest> {
  const answers = group.samples.map(({ text }) => extractAnswer(text));
  return { group, answers, classes: await grader.classify(answers) };
}

/** Parallel to the requests; undefined where the check was parked before it replied. */
async function findingsOf(
  loop: Pick<Loop, 'parts' | 'state'>,
  first: OfPlugin<Check>,
  requests: readonly CheckRequest[],
): Promise<readonly (readonly CheckFinding[])[]> {
  const { performers, config } = loop.parts;
  const asked: Asked<Check> = { first, those: () => performers.checks, stop: loop.state.stop };
  const ask = (each: readonly CheckRequest[]) =>
    askEach(asked, each, (request, which) => checking(request, which, config.timeouts));
  const found: (readonly CheckFinding[])[] = [];
  const wanting: (Wanting & { readonly i: number })[] = [];
  for (const [i, reply] of (await ask(requests)).entries()) {
    if ('questions' in reply) wanting.push({ i, request: requests[i]!, wants: reply });
    else found[i] = reply;
  }
  if (wanting.length === 0) return found;
  const further = await furtherSamples(loop, asked, wanting);
  const again = await ask(further.map((samples, n) => ({ ...wanting[n]!.request, further: samples })));
  for (const [n, reply] of again.entries()) if (!('questions' in reply)) found[wanting[n]!.i] = reply;
  return found;
}
