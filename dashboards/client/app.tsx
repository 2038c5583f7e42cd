/** The frame around every page: navigation, the daemon's phase, and whether the page is live. */
import { useEffect, useRef } from 'preact/hooks';
import { shallowSame, useCell } from './cell.ts';
import { ConnectionBanner } from './components/connection-banner.tsx';
import { Icon } from './components/icons.tsx';
import { Empty } from './components/notice.tsx';
import { PhaseBadge } from './components/phase.tsx';
import { Segments } from './components/segments.tsx';
import { count, duration, time } from './format.ts';
import { PAGES, type Page } from './pages.ts';
import { href, useRoute } from './router.ts';
import { announce, announcement, connection, useConnectionState, useLive } from './session.ts';
import { useTheme, type Theme } from './theme.ts';

const AFTER: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

export function App() {
  const { page: path, rest, query } = useRoute();
  const page = PAGES.find((candidate) => candidate.path === path);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${page?.title ?? 'Not found'} · Quorum`;
    if (!first.current) main.current?.focus({ preventScroll: true });
    if (!first.current) scrollTo(0, 0);
    first.current = false;
  }, [path]);
  const Shown = page?.component;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => skip(event, main.current)}>
        Skip to content
      </a>
      <div class="shell">
        <Rail current={page} />
        <div class="content">
          <TopBar title={page?.title ?? 'Not found'} />
          <ConnectionBanner />
          <main ref={main} id="main" tabIndex={-1}>
            {Shown === undefined ? (
              <Empty title="There is no such page">Choose one in the navigation.</Empty>
            ) : (
              <Shown rest={rest} query={query} />
            )}
          </main>
        </div>
      </div>
      <Announcer />
    </>
  );
}

/** Moves the focus in code: the URL's hash is the route, so a plain skip link would navigate. */
function skip(event: Event, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
}

function Rail({ current }: { readonly current: Page | undefined }) {
  const { theme, setTheme } = useTheme();
  const shown =
    useLive((live) => PAGES.filter((page) => page.shown?.(live) ?? true), shallowSame) ??
    PAGES.filter((page) => page.shown === undefined);
  return (
    <nav class="rail" aria-label="Pages">
      <a class="brand" href={href('now')}>
        <Logo />
        Quorum
      </a>
      <div class="nav">
        {shown.map((page) => (
          <a key={page.path} href={href(page.path)} aria-current={page === current ? 'page' : undefined}>
            <Icon name={page.path} />
            {page.title}
          </a>
        ))}
      </div>
      <div class="rail-foot">
        <Segments
          full
          label="Theme"
          value={theme}
          options={[
            ['system', 'Auto'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
          onChange={setTheme}
        />
      </div>
    </nav>
  );
}

function TopBar({ title }: { readonly title: string }) {
  const state = useConnectionState();
  const facts = useLive(
    ({ phase, version, stopAt, model, data, seconds, pausedSeconds = 0, startedAt }) => ({
      phase,
      version,
      stopAt,
      model,
      data,
      ran: duration(Math.floor(seconds - pausedSeconds)),
      paused: pausedSeconds < 1 ? undefined : duration(Math.floor(pausedSeconds)),
      startedAt,
    }),
    shallowSame,
  );
  return (
    <header class="topbar">
      <h1>{title}</h1>
      <PhaseBadge phase={facts?.phase} connected={state.type === 'open' || state.type === 'connecting'} />
      {facts === undefined ? null : (
        <div class="facts">
          <span class="laptop wide" title={`${facts.model} on ${facts.data}`}>
            <b>{lastSegment(facts.model)}</b> on {lastSegment(facts.data)}
          </span>
          <span class="laptop" title={`Over all starts of the run; this daemon started at ${time(facts.startedAt)}`}>
            ran {facts.ran}
            {facts.paused === undefined ? null : `, paused ${facts.paused}`}
          </span>
          <span>
            version <b>{count(facts.version)}</b>
            {facts.stopAt === null ? null : ` of ${count(facts.stopAt)}`}
          </span>
        </div>
      )}
      <ThemeButton />
    </header>
  );
}

/** The theme choice on a phone, where the navigation has no room for it. */
function ThemeButton() {
  const { theme, setTheme } = useTheme();
  return (
    <button
      type="button"
      class="button plain theme-button"
      aria-label={`Theme: ${theme}`}
      onClick={() => setTheme(AFTER[theme])}
    >
      <Icon name={theme} />
    </button>
  );
}

function Announcer() {
  const text = useCell(announcement);
  useEffect(() => {
    let pid = connection.live.get()?.pid;
    let last = connection.state.get().type;
    return connection.state.subscribe(() => {
      const { type } = connection.state.get();
      const now = connection.live.get()?.pid;
      if (type === 'lost' && last !== 'lost') announce('The connection to the daemon was lost.');
      if (type === 'open' && last === 'lost')
        announce(now === pid ? 'Connected again.' : 'Connected again: the daemon was restarted.');
      if (type === 'open') pid = now;
      last = type;
    });
  }, []);
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-ground" width="32" height="32" rx="8" />
      <circle class="logo-line" cx="15.5" cy="15.5" r="7.5" />
      <path class="logo-line" d="M19 19l5.5 5.5" />
      <circle class="logo-dot" cx="15.5" cy="15.5" r="2.2" />
    </svg>
  );
}

function lastSegment(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}
