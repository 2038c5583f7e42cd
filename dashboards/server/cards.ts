/** Turns the store's groups and questions into the cards that a browser shows. */
import type { GroupCard, GroupDetail, QuestionCard } from '../../src/protocol/frames.ts';
import type { Question, Sample } from '../../src/protocol/messages.ts';
import type { StoredGroup } from '../../src/store/inspection.ts';
import type { DashboardSource } from './source.ts';

export function questionCard({ id, text, origin, kind, parentId, pictures }: Question): QuestionCard {
  return { id, text, origin, kind: kind ?? null, parentId: parentId ?? null, pictures: pictures.length };
}

export function groupCard({ group, verdict, at }: StoredGroup): GroupCard {
  const { answers, classes, winner, share, rewards, advantages, kept, dropped, why, lost } = verdict;
  return {
    id: group.id,
    sequence: group.sequence,
    at,
    question: questionCard(group.question),
    version: group.policyVersion,
    answers,
    classes,
    winner,
    share,
    rewards,
    advantages,
    kept,
    dropped: dropped ?? null,
    ...(why === undefined ? {} : { why }),
    ...(lost && { lost: lost.by }),
  };
}

export function groupDetail(
  stored: StoredGroup & { readonly learntBy: number | null },
  source: Pick<DashboardSource, 'pieces'>,
): GroupDetail {
  return {
    ...groupCard(stored),
    samples: stored.group.samples.map((sample) => sampleDetail(sample, source)),
    learntBy: stored.learntBy,
    ...(stored.group.checks && { checks: stored.group.checks }),
  };
}

function sampleDetail(
  { tokens, logprobs, refLogprobs, text, finish }: Sample,
  source: Pick<DashboardSource, 'pieces'>,
) {
  const pieces = source.pieces(tokens);
  const details = tokens.map((_, t) => ({
    text: pieces[t] ?? '',
    logprob: logprobs[t] ?? Number.NaN,
    refLogprob: refLogprobs?.[t] ?? null,
  }));
  return { text, finish, tokens: details };
}
