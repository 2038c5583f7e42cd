/**
 * A response token by token: tinted by probability, exact values on hover or focus. One stop for the Tab key per
 * response; the arrow keys move between its tokens.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { GroupDetail, TokenDetail } from '../../../src/protocol/frames.ts';
import { number, percent } from '../format.ts';
import { signed } from './rollouts-words.ts';

export type Tint = 'probability' | 'change';
export const TOOLTIP = 'token-values';

/** The token under the pointer or with the focus, and its place on the screen. */
export interface Pointed {
  readonly token: TokenDetail;
  readonly place: DOMRect;
}

export interface TokensProps {
  readonly sample: GroupDetail['samples'][number];
  readonly label: string;
  readonly tint: Tint;
  /** Steps of the response that are false. */
  readonly wrong: readonly string[];
  readonly onPoint: (pointed: Pointed | null) => void;
}

export function Tokens({ sample: { tokens, text }, label, tint, wrong, onPoint }: TokensProps) {
  const box = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(0);
  if (tokens.length === 0)
    return <p class="tokens">{text === '' ? <span class="muted">(an empty response)</span> : text}</p>;
  const isWrong = within(tokens, wrong);
  const point = (target: EventTarget | null, focus = false) => {
    const element = target instanceof HTMLElement ? target.closest<HTMLElement>('[data-t]') : null;
    const token = element ? tokens[Number(element.dataset['t'])] : undefined;
    if (element && token && focus) setCurrent(Number(element.dataset['t']));
    if (element && token) onPoint({ token, place: element.getClientRects()[0] ?? element.getBoundingClientRect() });
  };
  const move = (event: KeyboardEvent) => {
    const to = {
      ArrowRight: current + 1,
      ArrowDown: current + 1,
      ArrowLeft: current - 1,
      ArrowUp: current - 1,
      Home: 0,
      End: tokens.length - 1,
    }[event.key];
    if (event.key === 'Escape') onPoint(null);
    if (to === undefined) return;
    event.preventDefault();
    const next = Math.min(tokens.length - 1, Math.max(0, to));
    setCurrent(next);
    box.current?.querySelector<HTMLElement>(`[data-t="${next}"]`)?.focus();
  };
  return (
    <div
      ref={box}
      class="tokens"
      role="listbox"
      tabIndex={-1}
      aria-orientation="horizontal"
      aria-label={label}
      onKeyDown={move}
      onPointerOver={(event) => point(event.target)}
      onPointerLeave={() => onPoint(null)}
      onFocusIn={(event) => point(event.target, true)}
      onFocusOut={() => onPoint(null)}
    >
      {tokens.map((token, t) => (
        <span
          key={t}
          data-t={t}
          class={`token ${tintOf(token, tint)}${isWrong(t) ? ' false-step' : ''}`}
          role="option"
          aria-selected={t === current}
          aria-label={`${token.text === '' ? silent(t === tokens.length - 1) : visible(token.text)}, probability ${percent(Math.exp(token.logprob), 2)}${isWrong(t) ? ', in a step that is false' : ''}`}
          aria-describedby={TOOLTIP}
          tabIndex={t === current ? 0 : -1}
        >
          {token.text === '' ? <i class="token-silent">{silent(t === tokens.length - 1)}</i> : token.text}
        </span>
      ))}
    </div>
  );
}

/** @returns whether token `t` is in the first place where one of the texts is. */
function within(tokens: readonly TokenDetail[], texts: readonly string[]): (t: number) => boolean {
  const whole = tokens.map(({ text }) => text).join('');
  const places = texts.map((text) => [whole.indexOf(text), text.length] as const).filter(([from]) => from >= 0);
  if (places.length === 0) return () => false;
  let end = 0;
  const marked = tokens.map(({ text }) => {
    const from = end;
    end += text.length;
    return places.some(([start, length]) => from < start + length && end > start);
  });
  return (t) => marked[t] === true;
}

/** A tooltip with the token's values, above or below it, inside the window. */
export function TokenTooltip({ pointed, onClose }: { readonly pointed: Pointed | null; readonly onClose: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || pointed === null) return;
    const { place } = pointed;
    const { width, height } = element.getBoundingClientRect();
    const above = place.top - height - 6;
    element.style.left = `${Math.max(8, Math.min(document.documentElement.clientWidth - width - 8, place.left))}px`;
    element.style.top = `${above > 60 ? above : place.bottom + 6}px`;
  }, [pointed]);
  useEffect(() => {
    if (pointed === null) return;
    addEventListener('scroll', onClose, { passive: true, once: true });
    return () => removeEventListener('scroll', onClose);
  }, [pointed, onClose]);
  return (
    <div ref={box} id={TOOLTIP} class={`token-tooltip${pointed === null ? ' hidden' : ''}`} role="tooltip">
      {pointed === null ? null : <Values token={pointed.token} />}
    </div>
  );
}

function Values({ token: { text, logprob, refLogprob } }: { readonly token: TokenDetail }) {
  return (
    <dl>
      <dt>token</dt>
      <dd class="mono">{visible(text)}</dd>
      <dt>p</dt>
      <dd>{percent(Math.exp(logprob), 2)}</dd>
      <dt>log p</dt>
      <dd>{number(logprob)}</dd>
      <dt>log p under the base</dt>
      <dd>{refLogprob === null ? 'not computed' : number(refLogprob)}</dd>
      <dt>difference</dt>
      <dd>{refLogprob === null ? '–' : signed(logprob - refLogprob, 4)}</dd>
    </dl>
  );
}

/** Text for a token without text: a special token, or one that holds only part of a character. */
function silent(isLast: boolean): string {
  return isLast ? 'end' : 'no text';
}

/** Replaces white space by visible signs. */
function visible(text: string): string {
  return text === '' ? 'no text' : text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}

export const PROBABILITY_BANDS: readonly (readonly [string, string])[] = [
  ['p0', 'over 99 %'],
  ['p1', '90 – 99 %'],
  ['p2', '50 – 90 %'],
  ['p3', '10 – 50 %'],
  ['p4', 'under 10 %'],
];

export const CHANGE_BANDS: readonly (readonly [string, string])[] = [
  ['down2', 'less than half as likely as under the base'],
  ['down1', 'less likely'],
  ['p0', 'about the same'],
  ['up1', 'more likely'],
  ['up2', 'over twice as likely'],
];

function tintOf({ logprob, refLogprob }: TokenDetail, tint: Tint): string {
  if (tint === 'change') {
    if (refLogprob === null) return 'p0';
    const change = logprob - refLogprob;
    const size = Math.abs(change) < 0.1 ? 0 : Math.abs(change) < Math.LN2 ? 1 : 2;
    return size === 0 ? 'p0' : `${change > 0 ? 'up' : 'down'}${size}`;
  }
  const p = Math.exp(logprob);
  return p >= 0.99 ? 'p0' : p >= 0.9 ? 'p1' : p >= 0.5 ? 'p2' : p >= 0.1 ? 'p3' : 'p4';
}
