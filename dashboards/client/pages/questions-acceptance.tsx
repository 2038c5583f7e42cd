/** Acceptance of the model's questions: how many pass, why others are rejected, and the newest rejected ones. */
import { Answer } from '../components/notice.tsx';
import { Badge } from '../components/badge.tsx';
import { Panel } from '../components/panel.tsx';
import { Stat } from '../components/summary.tsx';
import { count, number, percent } from '../format.ts';
import { useLive, useRequest } from '../session.ts';
import type { Live, RejectedQuestion } from '../../../src/protocol/frames.ts';

const EXAMPLES = { limit: 12 } as const;

/** These reasons concern the text and keep a question out of the pool; any other reason comes from the vote on it. */
const REASONS: Readonly<Record<string, string>> = {
  unfinished: 'cut off before its end',
  malformed: 'not one question in words',
  duplicate: 'nearly the words of its seed, or of another about the same picture',
  'all-agree': 'all responses agreed: nothing to learn',
  'equal-rewards': 'all responses earned the same: nothing to learn',
  'share-floor': 'too few responses agreed',
  'no-box': 'most responses had no answer',
  'no-vote': 'checks took every vote',
  refused: 'the model could not be asked',
};

type Synthesis = NonNullable<Live['synthesis']>;

/** Empty while the model writes no questions. */
export function Acceptance() {
  const synthesis = useLive<Synthesis | undefined>((live) => live.synthesis, same);
  return synthesis === undefined ? null : <Shown synthesis={synthesis} />;
}

function same(a: Synthesis | undefined, b: Synthesis | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function Shown({ synthesis: { written, accepted, rejected, pool, share, reward } }: { readonly synthesis: Synthesis }) {
  const asked = useRequest('rejected', EXAMPLES);
  return (
    <Panel title="Acceptance">
      <div class="stack">
        <dl class="stats" data-acceptance>
          <Stat name="written">{count(written)}</Stat>
          <Stat name="accepted" note={written === 0 ? 'none written yet' : `${percent(accepted / written)} of them`}>
            {count(accepted)}
          </Stat>
          <Stat name="in the pool" note="waiting or being asked">
            {count(pool)}
          </Stat>
          <Stat name="wanted now" note="of the questions asked">
            {percent(share, 0)}
          </Stat>
        </dl>
        {reward === undefined ? null : <Rewarded of={reward} />}
        <div class="two">
          <Reasons rejected={rejected} />
          <Answer asked={asked} lines={4}>
            {({ questions }) => <Examples questions={questions} again={asked.again} loading={asked.loading} />}
          </Answer>
        </div>
      </div>
    </Panel>
  );
}

/** Of the newest step that learnt from written questions. */
function Rewarded({
  of: { reward, agreement, split, novelty, kinds },
}: {
  readonly of: NonNullable<Synthesis['reward']>;
}) {
  return (
    <dl class="stats" data-rewarded>
      <Stat name="reward" note="mean of the last rewarded step">
        {number(reward, 2)}
      </Stat>
      <Stat name="learnt from" note={`votes agree to ${percent(agreement, 0)}`}>
        {percent(split, 0)}
      </Stat>
      <Stat name="unlike others" note="about the same picture">
        {percent(novelty, 0)}
      </Stat>
      <Stat name="kinds" note="as many equally frequent ones">
        {number(kinds, 3)}
      </Stat>
    </dl>
  );
}

function Reasons({ rejected }: Pick<Synthesis, 'rejected'>) {
  const reasons = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...reasons.map(([, n]) => n));
  if (reasons.length === 0) return <p class="muted">None was rejected.</p>;
  return (
    <ul class="kinds rejections" aria-label="Rejected questions by reason">
      {reasons.map(([reason, n]) => (
        <li key={reason} data-reason={reason}>
          <span class="ellipsis" title={REASONS[reason]}>
            {reason}
          </span>
          <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect class="kind-ground" width="100" height="8" />
            <rect class="band" width={(n / most) * 100} height="8" />
          </svg>
          <span class="right">{count(n)}</span>
        </li>
      ))}
    </ul>
  );
}

interface ExamplesProps {
  readonly questions: readonly RejectedQuestion[];
  readonly again: () => void;
  readonly loading: boolean;
}

function Examples({ questions, again, loading }: ExamplesProps) {
  return (
    <div class="stack">
      <div class="row">
        <h3 class="grow">Rejected last</h3>
        <button type="button" class="button small" disabled={loading} onClick={again}>
          {loading ? 'Loading …' : 'Show newer'}
        </button>
      </div>
      <ul class="rejected">
        {questions.map(({ question, reason, at }) => (
          <li key={`${question.id} ${at}`}>
            <q>{question.text}</q>{' '}
            <Badge tone="warn" title={REASONS[reason] ?? reason}>
              {reason}
            </Badge>
          </li>
        ))}
      </ul>
    </div>
  );
}
