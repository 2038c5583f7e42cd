/**
 * One page of a list that is read newest first: query one row more than the page holds; the extra row shows that there
 * is another page.
 */

export function page<Row>(
  rows: readonly Row[],
  limit: number,
  cursor: (row: Row) => number,
): { readonly rows: readonly Row[]; readonly next: number | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, next: last !== undefined && rows.length > limit ? cursor(last) : null };
}
