/**
 * The loop as plain lines, for logs and pipes: the news between two statuses, one line for each step, evaluation and
 * note.
 */
import { isPausing } from '../../protocol/frames.ts';
import type { LevelPoint, Status } from '../../protocol/status.ts';
import { labelFreeLine } from './label-free.ts';
import { levelNames } from './levels.ts';
import { amount, duration, fixed, percent } from './format.ts';

/** @param before undefined for the first status after a start. */
export function plainLines(before: Status | undefined, now: Status): string[] {
  const lines: string[] = [];
  if (!before) lines.push(`${now.model}, ${now.data}, seed ${now.seed}, run folder ${now.run}`);
  if (now.dashboard !== undefined && before?.dashboard !== now.dashboard) lines.push(`dashboard ${now.dashboard}`);
  if (before?.phase !== now.phase) lines.push(now.error === undefined ? now.phase : `${now.phase}: ${now.error}`);
  if (isPausing(now) && !(before && isPausing(before))) lines.push('pausing: the step in hand');
  lines.push(...newNotes(before, now));
  const restoring = now.restoring ?? before?.restoring ?? 0;
  if (before && before.version !== now.version && now.version <= restoring)
    lines.push(`version ${now.version} of ${restoring} restored`);
  if (before && before.step !== now.step) lines.push(stepLine(now));
  if (now.accuracy.now && before?.accuracy.now?.version !== now.accuracy.now.version) lines.push(accuracyLine(now));
  if (now.labelFree?.now && before?.labelFree?.now?.version !== now.labelFree.now.version)
    lines.push(labelFreeLine(now));
  return lines.map((line) => `[${duration(now.seconds)}] ${line}`);
}

function newNotes(before: Status | undefined, now: Status): string[] {
  const last = before?.notes.at(-1);
  const from = last ? now.notes.findLastIndex(({ at, text }) => at === last.at && text === last.text) + 1 : 0;
  return now.notes.slice(from).map(({ text }) => text.replace(/\s+/g, ' '));
}

function stepLine({ step, signals, throughput, staleness, groups }: Status): string {
  const parts = [
    ['share', fixed(signals.voteShare, 2)],
    ...(signals.votesLost === undefined ? [] : [['lost', percent(signals.votesLost)]]),
    ['reward', fixed(signals.reward, 2)],
    ['loss', fixed(signals.loss, 4)],
    ['kl', fixed(signals.kl, 4)],
    ['entropy', fixed(signals.entropy, 3)],
    ['clipped', percent(signals.clipFraction)],
    ['length', fixed(signals.responseTokens, 1)],
    ['rollout', `${amount(throughput.rolloutTokensPerSecond)} tokens/s`],
    ['learner', `${amount(throughput.learnerTokensPerSecond)} tokens/s`],
    ['staleness', String(staleness.now ?? '–')],
    ['kept', `${groups.kept} of ${groups.sampled}`],
  ];
  return `step ${step}  ${parts.map(([name, value]) => `${name} ${value}`).join('  ')}`;
}

function accuracyLine({ accuracy: { now, baseline, best, questions, levels }, labelFree }: Status): string {
  const compared = `base ${percent(baseline?.greedy ?? null)}, best ${percent(best?.greedy ?? null)}`;
  return `accuracy ${percent(now?.greedy ?? null)} at version ${now?.version} (greedy, ${questions ?? '–'} held-out questions${labelFree === undefined ? '' : ' with a label'}; ${compared})${levelWords(levels?.at(-1))}`;
}

/** `, % by level 1: 97, 2: 93` */
function levelWords(point: LevelPoint | undefined): string {
  if (point === undefined) return '';
  const each = levelNames(point).map((name) => `${name}: ${(100 * point.levels[name]!).toFixed(0)}`);
  return `, % by level ${each.join(', ')}`;
}
