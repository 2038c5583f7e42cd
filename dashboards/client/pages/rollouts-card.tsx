/** One judged group in the stream: the question, the vote, each response's reward, and the outcome. */
import { useMemo } from 'preact/hooks';
import { Badge } from '../components/badge.tsx';
import { answerClasses, ClassMark, letter, tone, VoteBar, voteless } from '../components/answers.tsx';
import { Picture } from '../components/picture.tsx';
import { Time } from '../components/time.tsx';
import { percent } from '../format.ts';
import { href } from '../router.ts';
import type { GroupCard } from '../../../src/protocol/frames.ts';
import { lostWords, ORIGINS, signed, verdictOf } from './rollouts-words.ts';

/** Drawn once, because a group does not change. */
export function Card({ group }: { readonly group: GroupCard }) {
  return useMemo(() => <Drawn group={group} />, [group]);
}

function Drawn({ group }: { readonly group: GroupCard }) {
  const { question, version, answers, winner, share } = group;
  const { shown, ranks } = answerClasses(group);
  const verdict = verdictOf(group);
  const link = href('rollouts', ['g', group.id]);
  return (
    <li class="group-card" data-group={group.id}>
      <a class="group-picture" href={link} tabIndex={-1} aria-hidden="true">
        <Picture question={question} />
      </a>
      <div class="group-body">
        <div class="group-head">
          <h2 class="group-question">
            <a href={link}>{question.text}</a>
          </h2>
          <Badge tone={verdict.tone} title={verdict.why}>
            {verdict.short}
          </Badge>
        </div>
        <p class="group-facts">
          <span>version {version}</span>
          {question.kind === null ? null : <span>{question.kind}</span>}
          {question.origin === 'dataset' ? null : <span>{ORIGINS[question.origin]}</span>}
          <Time at={group.at} />
          <span class="mono">{group.id}</span>
        </p>
        {answers.length === 0 ? null : (
          <div class="group-vote">
            <VoteBar classes={shown} total={answers.length} />
            <span class="group-share">
              {winner < 0 ? (
                'no votes'
              ) : (
                <>
                  <b>{answers[group.classes.indexOf(winner)]}</b> with {percent(share, 0)}
                </>
              )}
            </span>
          </div>
        )}
        <ol class="chips" aria-label={`${answers.length} responses`}>
          {answers.map((answer, i) => {
            const rank = ranks[i]!;
            return (
              <li
                key={i}
                class={`chip ${tone(rank)}`}
                title={`Response ${i + 1}: ${rank < 0 ? voteless(rank) : `class ${letter(rank)}`}, reward ${group.rewards[i]}, advantage ${signed(group.advantages[i], 3)}`}
              >
                <ClassMark rank={rank} />
                <span class="chip-answer">{answer ?? 'no answer'}</span>
                <span class="chip-reward">
                  <span class="visually-hidden">reward </span>
                  {reward(group.rewards[i])}
                  <span class="visually-hidden">, advantage</span> <i>{signed(group.advantages[i])}</i>
                </span>
              </li>
            );
          })}
        </ol>
        {group.lost === undefined ? null : <p class="group-why">{lostWords(group.lost)}</p>}
        {group.kept ? null : <p class="group-why">{verdict.why}</p>}
      </div>
    </li>
  );
}

/** 1, 0, 0.25 */
export function reward(value: number | undefined): string {
  return value === undefined ? '–' : String(Math.round(value * 100) / 100);
}
