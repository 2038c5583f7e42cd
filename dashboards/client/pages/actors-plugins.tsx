/** The loaded plug-ins and, for viewers with control access: restart, reload, remove, add. */
import './control.css';
import './actors-plugins.css';
import { useId, useRef, useState } from 'preact/hooks';
import { ADDABLE_PLUGIN } from '../../../src/protocol/commands.ts';
import type { Requests } from '../../../src/protocol/frames.ts';
import { Badge, type Tone } from '../components/badge.tsx';
import { Confirm } from '../components/confirm.tsx';
import { Answer, Empty } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { useCommand } from '../components/use-command.ts';
import { useAccess, useConnectionState, type Asked } from '../session.ts';

type PluginRow = Requests['plugins']['value'][number];
type PluginPort = PluginRow['ports'][number];

const TONES: Readonly<Record<PluginPort['state'], Tone>> = {
  opening: 'info',
  running: 'ok',
  restarting: 'warn',
  parked: 'bad',
  'standing by': 'neutral',
};
const LONGEST_NAME = 512;

export function PluginsPanel({ asked }: { readonly asked: Asked<readonly PluginRow[]> }) {
  const commands = useAccess() === 'control';
  const list = useRef<HTMLDivElement>(null);
  // The pressed button has disappeared with its row, so move the focus to the list.
  const gone = () => requestAnimationFrame(() => list.current?.focus());
  return (
    <Panel title="Plug-ins" flush class="plugins">
      <div ref={list} tabIndex={-1}>
        <Answer asked={asked} lines={3}>
          {(plugins) =>
            plugins.length === 0 ? (
              <Empty title="Nothing is plugged in">
                List plug-ins in the configuration, or add one with "quorum plugins add" while the daemon runs.
              </Empty>
            ) : (
              <ul class="commands">
                {plugins.map((plugin) => (
                  <Row key={plugin.name} plugin={plugin} commands={commands} onChange={asked.again} onGone={gone} />
                ))}
              </ul>
            )
          }
        </Answer>
      </div>
      {commands ? <Add onAdd={asked.again} /> : null}
    </Panel>
  );
}

interface RowProps {
  readonly plugin: PluginRow;
  readonly commands: boolean;
  readonly onChange: () => void;
  readonly onGone: () => void;
}

function Row({ plugin: { name, source, thread, ports }, commands, onChange, onGone }: RowProps) {
  const { pending, error, done, run } = useCommand();
  const [asking, setAsking] = useState(false);
  const removed = useRef(false);
  const open = useConnectionState().type === 'open';
  const give = (type: 'plugin.restart' | 'plugin.reload' | 'plugin.remove') => run({ type, name }).finally(onChange);
  // The row shows the error.
  const press = (type: 'plugin.restart' | 'plugin.reload') => void give(type).catch(() => undefined);
  const remove = async () => {
    await give('plugin.remove');
    removed.current = true;
  };
  const close = () => {
    setAsking(false);
    if (removed.current) onGone();
  };
  const button = (text: string, click: () => void, danger = '') => (
    <button
      type="button"
      class={`button small${danger}`}
      aria-label={`${text} ${name}`}
      disabled={!open || pending}
      onClick={click}
    >
      {text}
    </button>
  );
  return (
    <li class="plugin">
      <div class="plugin-head">
        <h3>{name}</h3>
        <span class="muted mono plugin-source">{source}</span>
        {thread ? <Badge>own thread</Badge> : null}
        {commands ? (
          <div class="plugin-buttons">
            {button('Restart', () => press('plugin.restart'))}
            {button('Reload', () => press('plugin.reload'))}
            {button('Remove …', () => setAsking(true), ' danger')}
          </div>
        ) : null}
      </div>
      <ul class="ports">
        {ports.map((port) => (
          <PortLine key={`${port.port} ${port.actor}`} port={port} />
        ))}
      </ul>
      {commands ? (
        <p class="plugin-outcome" role="status">
          {error === undefined ? (
            <span class="muted">{pending ? 'Working …' : done}</span>
          ) : (
            <span class="field-error">{error}</span>
          )}
        </p>
      ) : null}
      {asking ? (
        <Confirm title={`Remove ${name}?`} action="Remove" danger onConfirm={remove} onClose={close}>
          The built-in actor takes over what the plug-in has in hand. The loop runs without the plug-in until you add it
          again, or until the daemon starts with it in the configuration.
        </Confirm>
      ) : null}
    </li>
  );
}

function PortLine({ port: { port, actor, state, restarts, error } }: { readonly port: PluginPort }) {
  return (
    <li class="port">
      <span class="port-name mono">{port}</span>
      <Badge dot tone={TONES[state]}>
        {state}
      </Badge>
      {state === 'standing by' ? (
        <span class="muted">nothing in this run needs it</span>
      ) : (
        <span class="muted">{actor}</span>
      )}
      {restarts > 0 ? <span class="muted">{restarts}× restarted</span> : null}
      {error === undefined ? null : <p class="port-error">{error}</p>}
    </li>
  );
}

function Add({ onAdd }: { readonly onAdd: () => void }) {
  const { pending, error, done, run } = useCommand();
  const [use, setUse] = useState('');
  const [thread, setThread] = useState(false);
  const open = useConnectionState().type === 'open';
  const id = useId();
  const wrong = use !== '' && !ADDABLE_PLUGIN.test(use);
  const problem = wrong ? 'A package, or a path inside the folder of the configuration, without “..”.' : error;
  const submit = (event: Event) => {
    event.preventDefault();
    if (use === '' || wrong) return;
    run({ type: 'plugin.add', use, ...(thread ? { thread } : {}) }).then(
      () => {
        setUse('');
        onAdd();
      },
      () => undefined, // the form shows the error
    );
  };
  return (
    <form class="plugin-add" onSubmit={submit} noValidate>
      <div class="plugin-add-row">
        <label class="plugin-add-name">
          Add a plug-in
          <input
            class="field mono"
            autoComplete="off"
            autoCapitalize="off"
            spellcheck={false}
            maxLength={LONGEST_NAME}
            placeholder="./my-reward.ts"
            value={use}
            aria-invalid={wrong}
            aria-describedby={`${id}-help ${id}-outcome`}
            onInput={(event) => setUse(event.currentTarget.value.trim())}
          />
        </label>
        <label class="plugin-thread">
          <input type="checkbox" checked={thread} onChange={(event) => setThread(event.currentTarget.checked)} /> in its
          own thread
        </label>
        <button type="submit" class="button" disabled={!open || pending || use === '' || wrong}>
          {pending ? 'Working …' : 'Add'}
        </button>
      </div>
      <p class="muted" id={`${id}-help`}>
        A package that is installed, or a path inside the folder of the configuration. One that needs options or labels
        is added on the daemon's machine, with "quorum plugins add".
      </p>
      <p class="plugin-outcome" id={`${id}-outcome`} role="status">
        {problem === undefined ? <span class="muted">{done}</span> : <span class="field-error">{problem}</span>}
      </p>
    </form>
  );
}
