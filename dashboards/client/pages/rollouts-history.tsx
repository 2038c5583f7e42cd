/** One question across versions: how its answers shifted as the policy learnt. */
import { useState } from 'preact/hooks';
import type { GroupCard, Requests } from '../../../src/protocol/frames.ts';
import { answerClasses, ClassMark, letter, tone, VoteBar, voteless } from '../components/answers.tsx';
import { Badge } from '../components/badge.tsx';
import { Answer, Empty } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { Pictures } from '../components/picture.tsx';
import { Time } from '../components/time.tsx';
import { percent } from '../format.ts';
import { href, navigate, type PageProps } from '../router.ts';
import { useRequest } from '../session.ts';
import { Back } from './rollouts-back.tsx';
import { ORIGINS, verdictOf } from './rollouts-words.ts';

const MOST = 120;

type Asked = Requests['question']['value'];

/** The answers of all groups in one order, so that a letter and a colour mean the same answer in every column. */
interface Shift {
  /** Sorted by votes over all groups; the first is A. */
  readonly answers: readonly string[];
  /** Per group: votes for each of `answers`, and the number of responses without an answer. */
  readonly votes: readonly { readonly of: ReadonlyMap<string, number>; readonly silent: number }[];
}

/** The page `q/<id>`. */
export function QuestionView({ id, query }: { readonly id: string; readonly query: PageProps['query'] }) {
  const asked = useRequest('question', { id, limit: MOST });
  return (
    <div class="stack">
      <Back />
      <Answer asked={asked} lines={12}>
        {({ question, parent, groups }) => (
          <>
            <Panel title="Question" actions={<Badge>{ORIGINS[question.origin]}</Badge>}>
              <div class="group-facts-grid">
                <Pictures question={question} />
                <div class="stack">
                  <p class="question-text">{question.text}</p>
                  <p class="muted">
                    {question.kind === null ? '' : `Kind ${question.kind}. `}Voted on{' '}
                    {groups.length === MOST ? 'many times' : times(groups.length)}.
                  </p>
                  <p class="mono small faint breakable">{question.id}</p>
                  {parent === null ? null : (
                    <p>
                      Written after{' '}
                      <a class="inline" href={href('rollouts', ['q', parent.id])}>
                        {parent.text}
                      </a>
                    </p>
                  )}
                </div>
              </div>
            </Panel>
            <Panel title="Across versions">
              <Steps
                groups={groups}
                shown={query['g']}
                onShow={(group) => navigate(href('rollouts', ['q', id], { g: group.id }), { replace: true })}
              />
            </Panel>
          </>
        )}
      </Answer>
    </div>
  );
}

/** The question's history below a group's details. */
export function History({ questionId, shown }: { readonly questionId: string; readonly shown: string }) {
  const asked = useRequest('question', { id: questionId, limit: MOST });
  const [chosen, setChosen] = useState(shown);
  return (
    <Panel title="This question across versions">
      <Answer asked={asked} lines={6}>
        {({ groups }) => <Steps groups={groups} shown={chosen} onShow={(group) => setChosen(group.id)} />}
      </Answer>
    </Panel>
  );
}

interface StepsProps {
  readonly groups: Asked['groups'];
  readonly shown: string | undefined;
  readonly onShow: (group: GroupCard) => void;
}

function Steps({ groups, shown, onShow }: StepsProps) {
  if (groups.length === 0)
    return (
      <Empty title="No vote is stored">This question was not voted on yet, or its groups were old enough to go.</Empty>
    );
  const found = groups.findIndex((group) => group.id === shown);
  const at = found < 0 ? groups.length - 1 : found;
  const group = groups[at]!;
  const shift = shiftOf(groups);
  const show = (index: number) => {
    const next = groups[index];
    if (next) onShow(next);
  };
  if (groups.length === 1)
    return (
      <div class="stack">
        <p class="muted">
          Asked once so far, of version {group.version}. When it comes up again, its answers appear here side by side.
        </p>
        <StepDetail group={group} />
      </div>
    );
  return (
    <div class="stack">
      <p class="muted">{summary(groups, shift)}</p>
      <ShiftChart groups={groups} shift={shift} at={at} onPick={show} />
      <div class="stepper">
        <button type="button" class="button small" disabled={at === 0} onClick={() => show(at - 1)}>
          <span aria-hidden="true">←</span> Earlier
        </button>
        <input
          aria-label="Vote"
          type="range"
          min={0}
          max={groups.length - 1}
          value={at}
          aria-valuetext={`version ${group.version}, vote ${at + 1} of ${groups.length}`}
          onInput={(event) => show(Number(event.currentTarget.value))}
        />
        <button type="button" class="button small" disabled={at === groups.length - 1} onClick={() => show(at + 1)}>
          Later <span aria-hidden="true">→</span>
        </button>
      </div>
      <Legend shift={shift} />
      <StepDetail group={group} />
    </div>
  );
}

function Legend({ shift }: { readonly shift: Shift }) {
  return (
    <ul class="legend bare" aria-label="Answers over all versions">
      {shift.answers.slice(0, 8).map((answer, rank) => (
        <li key={answer}>
          <ClassMark rank={rank} />
          <span class="mono">{answer}</span>
        </li>
      ))}
      {shift.answers.length > 8 ? <li class="muted">and {shift.answers.length - 8} more</li> : null}
      {shift.votes.some(({ silent }) => silent > 0) ? (
        <li>
          <ClassMark rank={-1} />
          no answer
        </li>
      ) : null}
    </ul>
  );
}

const COLUMN = 100;
const HEIGHT = 140;

/** One column per vote, oldest first; large parts show their letter. */
function ShiftChart({
  groups,
  shift,
  at,
  onPick,
}: {
  readonly groups: Asked['groups'];
  readonly shift: Shift;
  readonly at: number;
  readonly onPick: (index: number) => void;
}) {
  return (
    <div
      class={`shift${groups.length > 40 ? ' dense' : ''}`}
      role="group"
      aria-label="Answers of each vote, oldest first"
    >
      {groups.map((group, index) => {
        const { of, silent } = shift.votes[index]!;
        const total = Math.max(1, group.answers.length);
        let y = HEIGHT;
        const parts = [
          ...shift.answers.map((answer, rank) => [rank, of.get(answer) ?? 0] as const),
          [-1, silent] as const,
        ].filter(([, votes]) => votes > 0);
        return (
          <button
            key={group.id}
            type="button"
            tabIndex={-1}
            class={`shift-column${index === at ? ' at' : ''}`}
            title={`Version ${group.version}, group ${group.id}`}
            onClick={() => onPick(index)}
          >
            <svg viewBox={`0 0 ${COLUMN} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
              {parts.map(([rank, votes]) => {
                const height = (votes / total) * HEIGHT;
                y -= height;
                return (
                  <rect
                    key={rank}
                    class={`shift-part ${tone(rank)}`}
                    x="0"
                    y={y + 1}
                    width={COLUMN}
                    height={Math.max(0, height - 1)}
                  />
                );
              })}
            </svg>
            <span class="shift-letter" aria-hidden="true">
              {parts[0] === undefined ? '' : letter(largest(parts))}
            </span>
            <span class="shift-version">
              <span class="visually-hidden">version </span>
              {group.version}
            </span>
          </button>
        );
      })}
    </div>
  );
}

function StepDetail({ group }: { readonly group: GroupCard }) {
  const { shown } = answerClasses(group);
  const verdict = verdictOf(group);
  return (
    <div class="step-detail" aria-live="polite">
      <p class="row">
        <b>Version {group.version}</b>
        <span class="muted">
          <Time at={group.at} />
        </span>
        <Badge tone={verdict.tone} title={verdict.why}>
          {verdict.short}
        </Badge>
        <a href={href('rollouts', ['g', group.id])}>Group {group.id}</a>
      </p>
      <VoteBar classes={shown} total={group.answers.length} />
      <p>
        {shown.length === 0
          ? 'No responses.'
          : shown.map(({ rank, answer, votes }, i) => (
              <span key={rank}>
                {i > 0 ? ', ' : ''}
                {votes} × {answer === null ? voteless(rank) : <b class="mono">{answer}</b>}
              </span>
            ))}
        {group.winner < 0 ? '' : `; vote share ${percent(group.share, 0)}`}
      </p>
    </div>
  );
}

/** Counts answers by text; within a group, all texts of one class count as one answer. */
function shiftOf(groups: readonly GroupCard[]): Shift {
  const totals = new Map<string, number>();
  const votes = groups.map((group) => {
    const of = new Map<string, number>();
    let silent = 0;
    for (const { answer, votes } of answerClasses(group).shown) {
      if (answer === null) silent += votes;
      else {
        of.set(answer, (of.get(answer) ?? 0) + votes);
        totals.set(answer, (totals.get(answer) ?? 0) + votes);
      }
    }
    return { of, silent };
  });
  return { answers: [...totals.keys()].sort((a, b) => totals.get(b)! - totals.get(a)!), votes };
}

function largest(parts: readonly (readonly [number, number])[]): number {
  return parts.reduce((best, part) => (part[1] > best[1] ? part : best))[0];
}

function summary(groups: readonly GroupCard[], shift: Shift): string {
  const [first, last] = [groups[0]!, groups.at(-1)!];
  const of = (group: GroupCard) => {
    const winner = answerClasses(group).shown.find(({ rank }) => rank === 0);
    return winner === undefined ? 'no answers' : `${winner.votes} of ${group.answers.length} said ${winner.answer}`;
  };
  return `${groups.length} votes, ${shift.answers.length} different answers. Version ${first.version}: ${of(first)}. Version ${last.version}: ${of(last)}.`;
}

function times(n: number): string {
  return n === 1 ? 'once' : `${n} times`;
}
