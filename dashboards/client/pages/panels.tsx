/** Panels of plug-ins: this page draws their data, and asks for it again every few seconds while it is visible. */
import './panels.css';
import { useEffect } from 'preact/hooks';
import type { PanelCard } from '../../../src/protocol/frames.ts';
import { Badge } from '../components/badge.tsx';
import { Answer, Empty, Loading } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { connection, useRequest } from '../session.ts';
import { Block } from './panels-block.tsx';

const NO_PARAMS = {};
const PAUSE = 2500;
/** The first answer has no contents yet: the daemon asks a panel only after a page asked for it. */
const FIRST_PAUSE = 400;

export function Panels() {
  const asked = useRequest('panels', NO_PARAMS);
  const { value, again } = asked;
  const isComing = value?.some(isEmpty) ?? true;
  useEffect(() => {
    const timer = setInterval(
      () => {
        if (document.visibilityState === 'visible' && connection.state.get().type === 'open') again();
      },
      isComing ? FIRST_PAUSE : PAUSE,
    );
    return () => clearInterval(timer);
  }, [isComing, again]);
  return (
    <Answer asked={asked} lines={8}>
      {(cards) =>
        cards.length === 0 ? (
          <Empty title="No panel to show">
            A plug-in shows something here by the port "panel". The page Actors lists what is plugged in, and why one is
            parked.
          </Empty>
        ) : (
          <div class="panel-grid">
            {cards.map((card) => (
              <Card key={card.plugin} card={card} />
            ))}
          </div>
        )
      }
    </Answer>
  );
}

function isEmpty({ content, error }: PanelCard): boolean {
  return content === null && error === null;
}

function Card({ card }: { readonly card: PanelCard }) {
  const { plugin, content, error } = card;
  return (
    <Panel
      title={content?.title ?? plugin}
      actions={content === null ? undefined : <Badge title="plug-in">{plugin}</Badge>}
      class="plugin-panel"
    >
      {isEmpty(card) ? <Loading lines={5} /> : null}
      {error === null ? null : <p class="field-error">{error}</p>}
      <div class="blocks">
        {content?.blocks.map((block, i) => (
          <Block key={`${i} ${block.type}`} block={block} name={`${content.title} ${i + 1}`} />
        ))}
      </div>
    </Panel>
  );
}
