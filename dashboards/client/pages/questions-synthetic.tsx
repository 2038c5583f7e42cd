/** Questions that the model wrote, with their picture and the question they derive from. */
import { useCallback } from 'preact/hooks';
import type { SyntheticQuestion } from '../../../src/protocol/frames.ts';
import { Badge } from '../components/badge.tsx';
import { Empty, Failure, Loading } from '../components/notice.tsx';
import { Older, usePaged } from '../components/paged.tsx';
import { Panel } from '../components/panel.tsx';
import { Picture } from '../components/picture.tsx';
import { count, percent } from '../format.ts';
import { href } from '../router.ts';
import { connection } from '../session.ts';
import { ORIGINS } from './rollouts-words.ts';

const PAGE = 24;

export function Synthetic() {
  const ask = useCallback(async (before: number | undefined) => {
    const { questions, next } = await connection.request('synthetic', {
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    return { items: questions, next };
  }, []);
  const paged = usePaged<SyntheticQuestion>('synthetic', ask);
  return (
    <Panel title="Written by the model" flush>
      {paged.items === undefined ? (
        paged.error === undefined ? (
          <Loading lines={4} />
        ) : (
          <Failure error={paged.error} again={paged.again} />
        )
      ) : null}
      {paged.items?.length === 0 ? (
        <Empty title="The model has not written a question yet">
          All questions so far come from the data set. What the model writes for itself appears here, with its picture
          and the question it was made from.
        </Empty>
      ) : null}
      <ul class="synthetic">
        {paged.items?.map((item) => (
          <Written key={item.question.id} item={item} />
        ))}
      </ul>
      {paged.items === undefined ? null : <Older paged={paged}>Older questions</Older>}
    </Panel>
  );
}

function Written({ item: { question, parent, groups, meanShare } }: { readonly item: SyntheticQuestion }) {
  return (
    <li class="written" data-question={question.id}>
      <Picture question={question} />
      <div class="written-body">
        <h3>
          <a href={href('rollouts', ['q', question.id])}>{question.text}</a>
        </h3>
        {parent === null ? null : (
          <p class="muted">
            made from <a href={href('rollouts', ['q', parent.id])}>{parent.text}</a>
          </p>
        )}
        <p class="row small muted">
          <Badge tone="accent">{ORIGINS[question.origin]}</Badge>
          {groups === 0
            ? 'not voted on yet'
            : `${count(groups)} ${groups === 1 ? 'vote' : 'votes'}, mean share ${percent(meanShare, 0)}`}
        </p>
      </div>
    </li>
  );
}
