/** Lines of the live view on groups, and on the questions that they come from. */
import type { Status } from '../../protocol/status.ts';
import { amount, DASH, percent } from './format.ts';
import type { Line, Span } from './text.ts';

type Label = (name: string) => Span;

/** @param label names a line, and is as wide for each. */
export function groupLines(status: Status, label: Label): Line[] {
  return [...groups(status, label), ...curriculum(status, label), ...synthesis(status, label)];
}

function groups({ groups, signals, restarts, saved }: Status, label: Label): Line[] {
  const { sampled, kept, dropped, checks, waiting, credits, setAside } = groups;
  const total = Object.values(dropped).reduce((sum, n) => sum + n, 0);
  const why = reasonsOf(dropped);
  return [
    [
      label('groups'),
      ...counts([
        [sampled, 'sampled'],
        [kept, 'kept'],
        [waiting, 'waiting'],
        [credits, 'credits'],
        ...(setAside === undefined ? [] : [[setAside, 'set aside'] as const]),
      ]),
    ],
    ...lostLine(signals, checks, label),
    [label('dropped'), [amount(total)], [why && ` (${why})`, 'dim']],
    [label('saved'), [saved === null ? DASH : `version ${saved}`], ['  ·  ', 'dim'], ...restartCount(restarts)],
  ];
}

/** Votes lost to checks: lately, and since the run began by check; empty when no check ran. */
function lostLine(
  { votesLost, winnersLost }: Status['signals'],
  checks: Status['groups']['checks'],
  label: Label,
): Line[] {
  if (checks === undefined) return [];
  const by = reasonsOf(Object.fromEntries(Object.entries(checks).map(([name, { lost }]) => [name, lost])));
  return [
    [
      label('votes lost'),
      [percent(votesLost ?? null)],
      [' of the answers  ', 'dim'],
      [percent(winnersLost ?? null)],
      [` of the plain winners${by && ` (${by})`}`, 'dim'],
    ],
  ];
}

/** The lines on the curriculum; empty where it is off. */
function curriculum({ curriculum: of }: Status, label: Label): Line[] {
  if (of === undefined) return [];
  const { fresh, split, known, lost, expected, clusters, nothing } = of;
  const spans: Span[] = counts([
    [fresh, 'fresh'],
    [split, 'split'],
    [known, 'known'],
    [lost, 'lost'],
  ]);
  const rate: Span[] = expected === null ? [] : [[percent(expected, 0)], [' expected to be learnt from', 'dim']];
  const kinds = `  of ${amount(clusters)} ${clusters === 1 ? 'kind' : 'kinds'}`;
  return [
    [label('questions'), ...spans, ...rate, [kinds, 'dim']],
    ...(nothing === undefined ? [] : ([[label(''), [nothing, 'yellow']]] satisfies Line[])),
  ];
}

/** The lines on the model's questions; empty when it writes none. */
function synthesis({ synthesis: of }: Status, label: Label): Line[] {
  if (of === undefined) return [];
  const { written, accepted, pool, share, rejected } = of;
  const why = reasonsOf(rejected);
  const spans: Span[] = counts([
    [written, 'written'],
    [accepted, 'accepted'],
    [pool, 'in the pool'],
  ]);
  return [[label('synthetic'), ...spans, [percent(share, 0)], [` wanted${why && ` (rejected: ${why})`}`, 'dim']]];
}

/** `duplicate 31, malformed 4` */
function reasonsOf(counted: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(counted).filter(([, n]) => n > 0);
  return reasons.map(([reason, n]) => `${reason} ${amount(n)}`).join(', ');
}

function counts(numbers: readonly (readonly [number, string])[]): Span[] {
  return numbers.flatMap(([n, name]): Span[] => [[amount(n)], [` ${name}  `, 'dim']]);
}

function restartCount(restarts: number): Span[] {
  return [[`${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`, restarts > 0 ? 'yellow' : 'dim']];
}
