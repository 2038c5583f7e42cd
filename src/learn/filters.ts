/** Decides which groups are worth learning from. */
import type { DropReason } from '../protocol/messages.ts';
import type { Vote } from './vote.ts';

export interface FilterOptions {
  /** Drop groups whose advantages are all 0: they teach nothing but the KL penalty. */
  readonly dropAllAgree: boolean;
  /** Drop groups in which silence would have won the vote. A response whose vote a check took is not silent. */
  readonly dropNoBox: boolean;
  /**
   * Groups whose vote share is below it are dropped (SRT, arXiv 2505.21444: low self-agreement teaches collapse); 0
   * keeps all.
   */
  readonly shareFloor: number;
}

/**
 * Why a group is dropped, or undefined to keep it. In this order:
 * - `no-vote`: checks took every vote;
 * - `no-box`: responses without an answer outnumber the winner's votes (silence would have won the vote);
 * - `all-agree`: all G voted for the winner, so every advantage is 0;
 * - `equal-rewards`: every advantage is 0 for another reason (a reward that is not the vote: none of the responses is
 *   right);
 * - `share-floor`: the winner's share is below the floor. The share is that of all G responses, so a vote that a check
 *   took lowers it.
 *
 * @param verified the rewards come from a rule that knows the truth, so the vote need not be reliable.
 */
export function dropReason(
  vote: Vote,
  advantages: readonly number[],
  { dropAllAgree, dropNoBox, shareFloor }: FilterOptions,
  verified = false,
): DropReason | undefined {
  if (!verified && vote.votes === 0 && vote.lost > 0 && vote.lost >= vote.silent) return 'no-vote';
  if (!verified && dropNoBox && (vote.silent > vote.votes || vote.votes === 0)) return 'no-box';
  if (dropAllAgree && advantages.every((advantage) => advantage === 0)) {
    return vote.votes === advantages.length ? 'all-agree' : 'equal-rewards';
  }
  if (!verified && vote.share < shareFloor) return 'share-floor';
  return undefined;
}
