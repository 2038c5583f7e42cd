/**
 * The reward of a written question (R-Zero, arXiv 2508.05004, section 3.2; VisPlay, 2511.15661; RISE, 2605.20914). It is
 * high where the votes on the question are split but not lost, where the question is unlike the others about the same
 * pictures, and where its kind was seldom written lately. It is a product, so no part makes up for another, and there
 * are no weights to set.
 */
import type { Question, Verdict, WrittenQuestion } from '../protocol/messages.ts';
import type { WritingFigures } from '../protocol/status.ts';
import { mean } from '../lib/mean.ts';
import { isDuplicate, type SyntheticOptions } from './synthetic.ts';

/** Whether it is a prompt whose responses are questions. */
export const isWriting = ({ origin }: Pick<Question, 'origin'>): boolean => origin === 'writing';

export interface Candidate {
  readonly text: string;
  readonly kind: string;
  /** Why it was not asked. */
  readonly rejection?: string | undefined;
  /** Verdict on its answers; absent where it was not asked. */
  readonly vote?: Pick<Verdict, 'share' | 'kept' | 'dropped'> | undefined;
}

/** A usable question that an earlier step wrote. */
export interface Recent {
  readonly text: string;
  readonly kind: string;
  /** Whether it is about the same pictures. */
  readonly isAbout: boolean;
}

/** Parallel to the candidates, which are all about the same pictures. */
export function weighed(
  candidates: readonly Candidate[],
  recent: readonly Recent[],
  options: Pick<SyntheticOptions, 'duplicateSimilarity'>,
): readonly WrittenQuestion[] {
  const about = recent.filter(({ isAbout }) => isAbout).map(({ text }) => text);
  return candidates.map(({ text, kind, rejection, vote }, i) => {
    const others = [...candidates.filter((other, j) => j !== i && other.rejection === undefined), ...about];
    const near = others.filter((other) => isDuplicate(text, [typeof other === 'string' ? other : other.text], options));
    const ofKind = recent.filter((other) => other.kind === kind).length;
    const why = rejection ?? vote?.dropped;
    return {
      text,
      kind,
      ...(why !== undefined && { why }),
      ...(vote !== undefined && { share: vote.share }),
      spread: vote?.kept === true ? 4 * vote.share * (1 - vote.share) : 0,
      novelty: others.length === 0 ? 1 : 1 - near.length / others.length,
      balance: recent.length === 0 ? 1 : 1 - ofKind / recent.length,
    };
  });
}

export function rewardOf({ spread, novelty, balance }: WrittenQuestion): number {
  return spread * novelty * balance;
}

/** Undefined without a question. */
export function writingFigures(written: readonly WrittenQuestion[]): WritingFigures | undefined {
  if (written.length === 0) return undefined;
  const asked = written.flatMap(({ share }) => share ?? []);
  const shareOf = (holds: (question: WrittenQuestion) => boolean) => written.filter(holds).length / written.length;
  return {
    reward: mean(written.map(rewardOf)),
    usable: shareOf(({ share }) => share !== undefined),
    agreement: asked.length === 0 ? null : mean(asked),
    split: shareOf(({ spread }) => spread > 0),
    novelty: mean(written.map(({ novelty }) => novelty)),
    kinds: diversity(written.filter(({ share }) => share !== undefined).map(({ kind }) => kind)),
  };
}

function diversity(kinds: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const entropy = [...counts.values()].reduce((sum, n) => sum - (n / kinds.length) * Math.log(n / kinds.length), 0);
  return Math.exp(entropy);
}
