/** Commands, for viewers with control access, and the log of commands and events. */
import './control.css';
import { Badge } from '../components/badge.tsx';
import { Commands } from '../components/commands.tsx';
import { EventLog } from '../components/event-log.tsx';
import { LiveSettings } from '../components/live-settings.tsx';
import { Empty } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { useAccess } from '../session.ts';

export function Control() {
  const access = useAccess();
  return (
    <div class="stack">
      {access === 'view' ? (
        <Panel title="Commands" actions={<Badge>view only</Badge>}>
          <Empty title="This browser may only look">
            To pause, evaluate or change settings, open the dashboard with the control token: the address for it is
            printed by "quorum start".
          </Empty>
        </Panel>
      ) : (
        <>
          <Commands />
          <LiveSettings />
        </>
      )}
      <EventLog />
    </div>
  );
}
