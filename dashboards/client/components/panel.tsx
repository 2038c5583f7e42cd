import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export interface PanelProps {
  readonly title: ComponentChildren;
  /** Shown right of the title. */
  readonly actions?: ComponentChildren;
  /** Leaves out the inner margin, for tables and charts. */
  readonly flush?: boolean;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** A titled box; a region of the page for assistive technology. */
export function Panel({ title, actions, flush = false, class: extra = '', children }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel ${extra}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </header>
      <div class={`panel-body${flush ? ' flush' : ''}`}>{children}</div>
    </section>
  );
}
