/** One group in full: the vote, and every response token by token. */
import type { ComponentChildren } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import type { GroupDetail } from '../../../src/protocol/frames.ts';
import { answerClasses, ClassMark, letter, tone, VoteBar, voteless, type AnswerClass } from '../components/answers.tsx';
import { Badge } from '../components/badge.tsx';
import { Answer } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { Pictures } from '../components/picture.tsx';
import { Segments } from '../components/segments.tsx';
import { Time } from '../components/time.tsx';
import { number, percent } from '../format.ts';
import { href } from '../router.ts';
import { useRequest } from '../session.ts';
import { Back } from './rollouts-back.tsx';
import { reward } from './rollouts-card.tsx';
import { deniedSteps, Findings } from './rollouts-findings.tsx';
import { History } from './rollouts-history.tsx';
import { CHANGE_BANDS, PROBABILITY_BANDS, Tokens, TokenTooltip, type Pointed, type Tint } from './rollouts-tokens.tsx';
import { lostWords, ORIGINS, signed, verdictOf } from './rollouts-words.ts';

const WITHOUT_VOTE = { 'no answer': 'no boxed answer', 'vote lost': 'vote lost to a check' } as const;

export function GroupView({ id }: { readonly id: string }) {
  const asked = useRequest('group', { id });
  return (
    <div class="stack">
      <Back />
      <Answer asked={asked} lines={14}>
        {(group) => (
          <>
            <Facts group={group} />
            <Responses group={group} />
            <History questionId={group.question.id} shown={group.id} />
          </>
        )}
      </Answer>
    </div>
  );
}

function Facts({ group }: { readonly group: GroupDetail }) {
  const { question, answers } = group;
  const { shown } = answerClasses(group);
  const verdict = verdictOf(group);
  return (
    <Panel title={<>Group {group.id}</>} actions={<Badge tone={verdict.tone}>{verdict.short}</Badge>}>
      <div class="group-facts-grid">
        <Pictures question={question} />
        <div class="stack">
          <p class="question-text">{question.text}</p>
          <VoteBar classes={shown} total={answers.length} />
          <VoteTable group={group} shown={shown} />
          {group.lost === undefined ? null : <p class="muted">{lostWords(group.lost)}</p>}
          <p class="muted">{verdict.why}</p>
          <Provenance group={group} />
        </div>
      </div>
    </Panel>
  );
}

function VoteTable({ group, shown }: { readonly group: GroupDetail; readonly shown: readonly AnswerClass[] }) {
  const total = group.answers.length;
  if (total === 0) return null;
  return (
    <table class="vote-table">
      <caption class="visually-hidden">The vote</caption>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">Class</th>
          <th scope="col">Answer</th>
          <th scope="col">Votes</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((one) => (
          <tr key={one.rank}>
            <td>
              <ClassMark rank={one.rank} />
              <span class="visually-hidden">{letter(one.rank)}</span>
            </td>
            <td class="vote-answer">
              {one.answer ?? <span class="muted">{WITHOUT_VOTE[voteless(one.rank)]}: no vote, reward 0</span>}
              {one.rank === 0 ? <span class="winner">wins</span> : null}
            </td>
            <td class="right">
              {one.votes} of {total} <span class="muted">({percent(one.votes / total, 0)})</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Provenance({ group }: { readonly group: GroupDetail }) {
  const { question, version, learntBy, kept } = group;
  return (
    <dl class="provenance">
      <dt>Sampled by</dt>
      <dd>
        <a href={href('rollouts', [], { version })}>version {version}</a>, <Time at={group.at} />
      </dd>
      <dt>Learnt from</dt>
      <dd>
        {learntBy === null
          ? kept
            ? 'not yet: it waits for its batch'
            : 'never: it was dropped'
          : `in the step that made version ${learntBy}`}
      </dd>
      <dt>Question</dt>
      <dd>
        <a class="mono" href={href('rollouts', ['q', question.id])}>
          {question.id}
        </a>
      </dd>
      <dt>Origin</dt>
      <dd>
        {ORIGINS[question.origin]}
        {question.kind === null ? null : (
          <>
            , kind <a href={href('rollouts', [], { kind: question.kind })}>{question.kind}</a>
          </>
        )}
        {question.parentId === null ? null : (
          <>
            , after <a href={href('rollouts', ['q', question.parentId])}>its parent</a>
          </>
        )}
      </dd>
    </dl>
  );
}

function Responses({ group }: { readonly group: GroupDetail }) {
  const [tint, setTint] = useState<Tint>('probability');
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const { ranks } = answerClasses(group);
  const close = useCallback(() => setPointed(null), []);
  const bands = tint === 'probability' ? PROBABILITY_BANDS : CHANGE_BANDS;
  return (
    <Panel
      title="Responses"
      actions={
        <Segments
          label="What the tint of a token shows"
          value={tint}
          options={[
            ['probability', 'Probability'],
            ['change', 'Against the base'],
          ]}
          onChange={setTint}
        />
      }
      flush
    >
      <ul
        class="legend"
        aria-label={
          tint === 'probability'
            ? 'Probability of a token when it was drawn'
            : 'Probability of a token compared with the base model'
        }
      >
        {bands.map(([band, text]) => (
          <li key={band}>
            <span class={`token ${band}`} aria-hidden="true">
              abc
            </span>
            {text}
          </li>
        ))}
      </ul>
      {group.samples.length === 0 ? <p class="no-samples muted">The policy did not answer this question.</p> : null}
      <ol class="responses">
        {group.samples.map((sample, i) => (
          <Response key={i} group={group} i={i} rank={ranks[i]!}>
            <Tokens
              sample={sample}
              label={`Tokens of response ${i + 1}; the arrow keys move`}
              wrong={deniedSteps(group.checks, i)}
              tint={tint}
              onPoint={setPointed}
            />
          </Response>
        ))}
      </ol>
      <TokenTooltip pointed={pointed} onClose={close} />
    </Panel>
  );
}

interface ResponseProps {
  readonly group: GroupDetail;
  readonly i: number;
  readonly rank: number;
  readonly children: ComponentChildren;
}

function Response({ group, i, rank, children }: ResponseProps) {
  const sample = group.samples[i]!;
  const { tokens, finish } = sample;
  const meanLogprob =
    tokens.length === 0 ? null : tokens.reduce((sum, { logprob }) => sum + logprob, 0) / tokens.length;
  return (
    <li class={`response ${tone(rank)}`}>
      <div class="response-head">
        <ClassMark rank={rank} />
        <b class="response-answer">{group.answers[i] ?? 'no answer'}</b>
        <span>
          reward <b>{reward(group.rewards[i])}</b>
        </span>
        <span>
          advantage <b>{signed(group.advantages[i], 3)}</b>
        </span>
        <span class="muted">
          {tokens.length} tokens, mean log p {number(meanLogprob, 3)}
        </span>
        {finish === 'stop' ? null : (
          <Badge tone="warn">{finish === 'length' ? 'cut off at the longest length' : 'cancelled'}</Badge>
        )}
      </div>
      <Findings checks={group.checks} i={i} />
      {children}
    </li>
  );
}
