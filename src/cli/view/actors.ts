/** The actors, one line each, in the order of the loop: what each does or waits for, and the votes that a check took. */
import type { ActorState, ActorStatus, Status } from '../../protocol/status.ts';
import { amount, duration } from './format.ts';
import { spread, type Line, type Span, type Style } from './text.ts';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const SPIN_MILLISECONDS = 250;
/** Columns of an actor's name. */
const [SHORTEST, LONGEST] = [12, 20];

const STATES = {
  opening: ['◔', 'cyan'],
  idle: ['○', 'dim'],
  working: ['●', 'green'],
  waiting: ['◌', 'yellow'],
  failed: ['✖', 'red'],
  parked: ['✖', 'yellow'],
  stopped: ['■', 'dim'],
} as const satisfies Record<ActorState, readonly [string, Style]>;

export function actorLines({ actors, at, groups: { checks } }: Status, width: number): Line[] {
  const name = Math.min(LONGEST, Math.max(SHORTEST, ...actors.map(({ id }) => id.length)));
  return inLoopOrder(actors).map((actor) => actorLine(actor, { now: at, width, name, lost: lostBy(actor, checks) }));
}

/** Checks come before the voter; they are plug-ins, which the status lists last. */
function inLoopOrder(actors: readonly ActorStatus[]): readonly ActorStatus[] {
  const checks = actors.filter(({ role }) => role === 'checker');
  const others = actors.filter(({ role }) => role !== 'checker');
  const voter = others.findIndex(({ role }) => role === 'voter');
  return voter < 0 ? actors : others.toSpliced(voter, 0, ...checks);
}

function lostBy({ id, role }: ActorStatus, checks: Status['groups']['checks']): number | undefined {
  return role === 'checker' ? (checks?.[id.slice(role.length + 1)]?.lost ?? 0) : undefined;
}

interface Place {
  readonly now: number;
  readonly width: number;
  /** Columns of the name. */
  readonly name: number;
  /** Votes that a check took; undefined for other actors. */
  readonly lost: number | undefined;
}

function actorLine(actor: ActorStatus, { now, width, name, lost }: Place): Line {
  const [glyph, style] = STATES[actor.state];
  const frame = Math.floor(now / SPIN_MILLISECONDS) % SPINNER.length;
  const left: Span[] = [
    [actor.state === 'working' ? SPINNER[frame]! : glyph, style],
    [` ${actor.id.padEnd(name)} `],
    [actor.doing, ...(actor.state === 'working' ? [] : (['dim'] as const))],
  ];
  if (lost !== undefined) left.push([`  votes lost ${amount(lost)}`, 'dim']);
  if (actor.restarts > 0) left.push([`  ${actor.restarts}× restarted`, 'yellow']);
  if (actor.state === 'failed' && actor.error !== undefined) left.push([`  ${actor.error}`, 'red']);
  return spread(left, actor.state === 'stopped' ? [] : [[duration((now - actor.since) / 1000), 'dim']], width);
}
