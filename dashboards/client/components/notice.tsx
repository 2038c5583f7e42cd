/** Shown in a panel instead of its content: nothing yet, loading, or an error; each says what to do. */
import type { ComponentChildren } from 'preact';
import type { Asked } from '../session.ts';

export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="notice">
      <strong>{title}</strong>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}

export function Failure({ error, again }: { readonly error: Error; readonly again?: () => void }) {
  return (
    <div class="notice" role="alert">
      <strong>This could not be loaded</strong>
      <p>{error.message}</p>
      {again === undefined ? null : (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A placeholder for about `lines` lines of content. */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <svg class="loading-lines" width="100%" height={lines * 32} role="img" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <rect
          key={i}
          class="loading-line"
          x="16"
          y={i * 32 + 10}
          width={`${[70, 88, 54, 78][i % 4]}%`}
          height="12"
          rx="6"
        />
      ))}
    </svg>
  );
}

/**
 * Shows a request's three states: loading, failed, answered. An answer stays visible while it is requested again.
 */
export function Answer<T>({
  asked,
  lines,
  children,
}: {
  readonly asked: Asked<T>;
  readonly lines?: number;
  readonly children: (value: T) => ComponentChildren;
}) {
  if (asked.value !== undefined) return <>{children(asked.value)}</>;
  if (asked.error !== undefined) return <Failure error={asked.error} again={asked.again} />;
  return <Loading {...(lines === undefined ? {} : { lines })} />;
}
