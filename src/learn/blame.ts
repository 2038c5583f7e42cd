/** The part of a response that is to blame where checks deny its vote. */
import type { Checked } from '../protocol/messages.ts';

/**
 * Offset in the text of response `i` from which it is to blame, by the check that finds the first fault. 0, all of it,
 * where no check denies the vote, or one does for the response as a whole, such as one that does less than the others.
 */
export function falseFrom(checks: readonly Checked[] = [], i: number): number {
  const offsets = checks.flatMap(({ findings }) => {
    const finding = findings[i];
    return finding?.vote === false ? [finding.falseFrom ?? 0] : [];
  });
  return offsets.length === 0 ? 0 : Math.min(...offsets);
}
