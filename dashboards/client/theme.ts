/** The theme: light, dark, or the system's; kept in this browser. */
import { cell, useCell } from './cell.ts';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'quorum.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const choice = cell<Theme>(remembered());
/** The resolved theme; when it changes, canvases must read their colours again. */
const shown = cell<'light' | 'dark'>(resolve());

apply();
choice.subscribe(apply);
dark.addEventListener('change', apply);

export function useTheme(): { readonly theme: Theme; readonly setTheme: (theme: Theme) => void } {
  return { theme: useCell(choice), setTheme: choose };
}

/** The resolved theme, light or dark. */
export function useShownTheme(): 'light' | 'dark' {
  return useCell(shown);
}

const colours = new Map<string, string>();
shown.subscribe(() => colours.clear());

/** A design token as a colour that a canvas understands. */
export function colour(token: string): string {
  const known = colours.get(token);
  if (known !== undefined) return known;
  const probe = document.createElement('span');
  probe.className = 'colour-probe';
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  colours.set(token, value);
  return value;
}

function choose(theme: Theme): void {
  choice.set(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A private window may refuse storage; the choice then lasts until the page is closed.
  }
}

function apply(): void {
  const theme = choice.get();
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  shown.set(resolve());
}

function resolve(): 'light' | 'dark' {
  const theme = choice.get();
  if (theme !== 'system') return theme;
  return dark.matches ? 'dark' : 'light';
}

function remembered(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}
