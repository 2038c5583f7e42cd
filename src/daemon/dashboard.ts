/** Opens a daemon's dashboard: implements its server's view of the daemon and locates its pages. */
import { fileURLToPath } from 'node:url';
import type { Observable, Subject } from 'rxjs';
import { startDashboard, type Dashboard } from '../../dashboards/server/server.ts';
import type { DashboardSource } from '../../dashboards/server/source.ts';
import type { Settings } from '../../streams/settings.ts';
import { liveBounds } from '../config/live.ts';
import type { Config } from '../config/schema.ts';
import { InputError } from '../protocol/errors.ts';
import type { LiveSetting } from '../protocol/frames.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import type { Status } from '../protocol/status.ts';
import type { Commands } from './commands.ts';
import type { Handle } from '../../actors/handle.ts';
import type { OpenRun } from './open-run.ts';
import type { Panels } from './panels.ts';
import { tokenReader } from './pieces.ts';
import type { Roster } from './roster.ts';
import type { Saving } from './saving.ts';
import { outsideDashboard, superviseDashboard } from './dashboard-supervisor.ts';

export interface SourceParts {
  readonly config: Pick<Config, 'model' | 'dashboard' | 'supervision'>;
  readonly run: Pick<OpenRun, 'store' | 'data' | 'folder' | 'log'>;
  readonly handles: ReadonlyMap<string, Handle<never>>;
  readonly settings: Settings;
  readonly saving: Saving;
  readonly commands: Commands;
  readonly roster: Roster;
  readonly panels: Panels;
  readonly events: Subject<LoopEvent>;
  readonly status$: () => Observable<Status>;
  readonly status: () => Status;
  /** Whether this process is the daemon's own, so that the daemon may handle uncaught errors. */
  readonly ownsProcess: boolean;
  /** Reports what happened to the dashboard, in words. */
  readonly note: (text: string) => void;
}

/** Vite builds the pages into dist, whether the daemon runs from there or from its sources. */
const CLIENT = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/dashboards/client/' : '../../dashboards/client/',
  import.meta.url,
);

/** Undefined if the configuration has no dashboard. @throws InputError that names the setting if it cannot listen. */
export async function openDashboard(parts: SourceParts): Promise<Dashboard | undefined> {
  const { dashboard } = parts.config;
  const { port, ...options } = dashboard;
  if (port === null) return undefined;
  const { run, config, ownsProcess, note } = parts;
  const failed = (error: unknown) =>
    run.log.warn({ error: error instanceof Error ? error.stack : String(error) }, 'the dashboard failed');
  const start = (onPort: number) =>
    startDashboard(dashboardSource(parts), {
      ...options,
      port: onPort,
      runFolder: run.folder.path,
      clientFolder: fileURLToPath(CLIENT),
      onError: failed,
    });
  return superviseDashboard({ start, port, budget: config.supervision, ownsProcess, failed, note });
}

function dashboardSource({
  config,
  run,
  handles,
  roster,
  panels,
  settings,
  saving,
  commands,
  events,
  status$,
  status,
}: SourceParts): DashboardSource {
  return {
    status$,
    status,
    loop$: () => events.asObservable(),
    store: run.store,
    async picture(question, index) {
      const ref = question.pictures[index];
      if (ref === undefined) throw new InputError(`question ${question.id} has no picture ${index}`);
      return run.data.train.picture(ref);
    },
    pieces: tokenReader(config.model),
    versionFolder: (n) => saving.folderOf(n),
    savedVersions: () => saving.saved(),
    actors: () => [...handles.values()].map((handle) => handle.detail()),
    settings: () => liveSettings(settings),
    plugins: () => roster.list(),
    panels: () => panels.cards(),
    command: (command, author) => outsideDashboard(() => commands.command(command, author)),
  };
}

export function liveSettings({ now, configured }: Settings): LiveSetting[] {
  return liveBounds().map(({ help, ...bounds }) => {
    const [value, before] = [now[bounds.path], configured[bounds.path]];
    return { ...bounds, value, help: value === before ? help : `${help} The configuration says ${before}.` };
  });
}
