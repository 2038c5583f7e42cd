import type { ComponentChildren } from 'preact';

export type Tone = 'neutral' | 'ok' | 'warn' | 'bad' | 'info' | 'accent';

export interface BadgeProps {
  readonly tone?: Tone;
  /** A dot before the text, for states. */
  readonly dot?: boolean;
  readonly title?: string;
  readonly children: ComponentChildren;
}

export function Badge({ tone = 'neutral', dot = false, title, children }: BadgeProps) {
  return (
    <span class={`badge ${tone}${dot ? ' dot' : ''}`} title={title}>
      {children}
    </span>
  );
}
