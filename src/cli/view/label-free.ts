/** Replaces accuracy for data without labels: lines of the live view, and one line of the plain view. */
import type { LabelFreePoint, Status } from '../../protocol/status.ts';
import { labelFreeWords } from '../../daemon/label-words.ts';
import { DASH, fixed, percent } from './format.ts';
import type { Line, Span } from './text.ts';

const LEVELS = { healthy: 'green', watch: 'yellow', act: 'red', hold: 'red' } as const;

/** Empty when every held-out question has a label. */
export function labelFreeLines({ labelFree: of, guardian }: Status, label: (name: string) => Span): Line[] {
  if (of === undefined) return [];
  const watched: Line[] = guardian === undefined ? [] : [[label('guardian'), ...guardianSpans(guardian)]];
  if (of.questions === 0)
    return [[label('accuracy'), ['cannot be measured: no question is held out', 'dim']], ...watched];
  if (of.now === null) {
    const why =
      of.labelled === 0
        ? 'no labels: accuracy cannot be measured; the first figures come with the first evaluation'
        : DASH;
    return [[label('held out'), [why, 'dim']], ...watched];
  }
  return [...figures(of.now, of.baseline, label), ...watched];
}

function figures(now: LabelFreePoint, base: LabelFreePoint | null, label: (name: string) => Span): Line[] {
  const { asBase, asTrusted, trusted, n, voteShare, entropy, responseTokens, answered } = now;
  const trust: Span[] =
    trusted === null ? [] : [['  '], [percent(asTrusted), 'bold'], [` as the trusted version ${trusted}`, 'dim']];
  const was = (value: number | undefined, digits: number): Span => [
    value === undefined ? '' : ` (${fixed(value, digits)})`,
    'dim',
  ];
  return [
    [
      label('no labels'),
      [percent(asBase), 'bold'],
      [' of the answers as the base', 'dim'],
      ...trust,
      [`  n ${n}, at version ${now.version}`, 'dim'],
    ],
    [
      label('held out'),
      ['vote share ', 'dim'],
      [fixed(voteShare, 2)],
      was(base?.voteShare, 2),
      ['  entropy ', 'dim'],
      [fixed(entropy, 3)],
      was(base?.entropy, 3),
      ['  length ', 'dim'],
      [fixed(responseTokens, 1)],
      was(base?.responseTokens, 1),
      ['  answered ', 'dim'],
      [percent(answered, 0)],
    ],
  ];
}

function guardianSpans({ level, why, trusted, canaries }: NonNullable<Status['guardian']>): Span[] {
  const shares = [
    ...(typeof canaries?.asBase === 'number' ? [`${percent(canaries.asBase)} as the base`] : []),
    ...(typeof canaries?.asTrusted === 'number' ? [`${percent(canaries.asTrusted)} as the last trusted`] : []),
  ];
  return [
    [level, LEVELS[level]],
    [trusted === null ? '' : `  trusts version ${trusted}`, 'dim'],
    [shares.length === 0 ? '' : `  sure canaries ${shares.join(', ')}`, 'dim'],
    [why === '' ? '' : `  ${why}`, 'yellow'],
  ];
}

export function labelFreeLine({ labelFree }: Status): string {
  const { now, baseline } = labelFree ?? {};
  if (!now) return '';
  const before = baseline
    ? `; base: vote share ${fixed(baseline.voteShare, 2)}, entropy ${fixed(baseline.entropy, 3)}, length ${fixed(baseline.responseTokens, 1)}`
    : '';
  return `without labels ${labelFreeWords(now)} at version ${now.version} (${now.n} held-out questions${before})`;
}
