/**
 * Hash routes, so that a permalink survives any server: `#/rollouts/g/12-3?kind=count` is page `rollouts`, rest `['g',
 * '12-3']`, query `{kind: 'count'}`. Filters belong in the query, the item shown in the rest.
 */
import { cell, useCell, type Cell } from './cell.ts';

export interface Route {
  /** First segment; `now` for the empty path. */
  readonly page: string;
  /** Segments after the page, decoded. */
  readonly rest: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

/** Props of a page's component. */
export type PageProps = Pick<Route, 'rest' | 'query'>;

export function parse(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [page, ...rest] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  return { page: page ?? 'now', rest, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The link to a page: `href('rollouts', ['g', id], {kind: 'count'})`. Empty query values are left out. */
export function href(
  page: string,
  rest: readonly (string | number)[] = [],
  query: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const path = [page === 'now' ? '' : page, ...rest].map((part) => encodeURIComponent(part)).join('/');
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [[key, String(value)]],
    ),
  );
  return `#/${path}${search.size > 0 ? `?${search}` : ''}`;
}

const route: Cell<Route> = cell(parse(globalThis.location?.hash ?? ''));
globalThis.addEventListener?.('hashchange', () => route.set(parse(location.hash)));

export function useRoute(): Route {
  return useCell(route);
}

/**
 * Goes to `to`, a result of `href`; `replace` leaves no entry in the browser's history (for filters while they are
 * typed).
 */
export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace !== true) {
    location.hash = to;
    return;
  }
  history.replaceState(null, '', to);
  route.set(parse(to));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
