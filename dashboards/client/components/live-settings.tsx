/** Edits the settings that may change while the loop runs. The form checks a value; the daemon checks it again. */
import { useId, useState } from 'preact/hooks';
import type { LiveSetting } from '../../../src/protocol/frames.ts';
import { number } from '../format.ts';
import { useConnectionState, useRequest } from '../session.ts';
import { Answer, Empty } from './notice.tsx';
import { Panel } from './panel.tsx';
import { useCommand } from './use-command.ts';

const NO_PARAMS = {};

export function LiveSettings() {
  const settings = useRequest('settings', NO_PARAMS);
  return (
    <Panel title="Settings that may change while it runs" flush>
      <Answer asked={settings} lines={5}>
        {(list) =>
          list.length === 0 ? (
            <Empty title="Nothing can be changed now">The daemon names its settings once the loop runs.</Empty>
          ) : (
            <ul class="commands">
              {list.map((setting) => (
                <SettingRow key={setting.path} setting={setting} onSet={settings.again} />
              ))}
            </ul>
          )
        }
      </Answer>
    </Panel>
  );
}

function SettingRow({ setting, onSet }: { readonly setting: LiveSetting; readonly onSet: () => void }) {
  const { pending, error, done, run } = useCommand();
  /** The typed text; null until the user types, and then the field follows the daemon. */
  const [typed, setTyped] = useState<string | null>(null);
  const open = useConnectionState().type === 'open';
  const id = useId();
  const text = typed ?? String(setting.value);
  const problem = typed === null ? undefined : problemOf(typed, setting);
  const changed = typed !== null && Number(typed) !== setting.value;
  const submit = (event: Event) => {
    event.preventDefault();
    if (problem !== undefined || !changed) return;
    run({ type: 'set', path: setting.path, value: Number(typed) }).then(
      () => {
        setTyped(null);
        onSet();
      },
      () => undefined, // shown under the field
    );
  };
  return (
    <li>
      <form class="command" onSubmit={submit} noValidate>
        <div class="grow">
          <label for={id} class="setting-name mono">
            {setting.path}
          </label>
          <p class="muted" id={`${id}-help`}>
            {setting.help} {setting.above === true ? 'Above' : 'From'} {number(setting.min)}{' '}
            {setting.above === true ? 'and up to' : 'to'} {number(setting.max)}
            {setting.unit === '' ? '' : ` ${setting.unit}`}.
          </p>
        </div>
        <p class="command-outcome" id={`${id}-error`} role="status">
          {problem !== undefined || error !== undefined ? (
            <span class="field-error">{problem ?? error}</span>
          ) : changed ? null : (
            <span class="muted">{done}</span>
          )}
        </p>
        <input
          id={id}
          class="field setting-value"
          inputMode={setting.integer ? 'numeric' : 'decimal'}
          autoComplete="off"
          value={text}
          aria-invalid={problem !== undefined}
          aria-describedby={`${id}-help ${id}-error`}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={!open || pending || !changed || problem !== undefined}>
          {pending ? 'Working …' : 'Set'}
        </button>
      </form>
    </li>
  );
}

function problemOf(typed: string, { min, above = false, max, integer }: LiveSetting): string | undefined {
  const value = Number(typed);
  if (typed.trim() === '' || !Number.isFinite(value)) return 'Type a number.';
  if (integer && !Number.isInteger(value)) return 'Type a whole number.';
  if (above && value <= min) return `Above ${number(min)}.`;
  if (value < min) return `At least ${number(min)}.`;
  if (value > max) return `At most ${number(max)}.`;
  return undefined;
}
