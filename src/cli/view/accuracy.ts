/** An accuracy as a table: `eval` and the end of `pretrain`. */
import pc from 'picocolors';
import type { Accuracy } from '../../protocol/messages.ts';
import { percent } from './format.ts';

export function accuracyTable({ n, k, greedy, pass1, majK, passK, byKind }: Accuracy): string[] {
  const rows: readonly (readonly [string, number])[] = [
    ['greedy', greedy],
    ['pass@1', pass1],
    [`maj@${k}`, majK],
    [`pass@${k}`, passK],
  ];
  const kinds = Object.entries(byKind);
  const wide = Math.max(12, ...kinds.map(([kind]) => kind.length)) + 2;
  return [
    ...rows.map(([name, value]) => `${name.padEnd(wide)}${percent(value).padStart(8)}`),
    pc.dim(`${n} questions`),
    ...(kinds.length > 0 ? ['', pc.dim(`${'kind'.padEnd(wide)}  greedy     n`)] : []),
    ...kinds.map(([kind, of]) => `${kind.padEnd(wide)}${percent(of.greedy).padStart(8)}${String(of.n).padStart(6)}`),
  ];
}
