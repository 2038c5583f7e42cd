/**
 * Computes the places of the loop's nodes and arrows, in pixels: left to right if there is room, top to bottom on a
 * phone.
 */
import type { Live } from '../../../src/protocol/frames.ts';

export type Actor = Live['actors'][number];
export type FlowName =
  | 'questions'
  | 'rollouts'
  | 'checked'
  | 'groups'
  | 'versions'
  | 'evaluate'
  | 'parents'
  | 'synthetic'
  | 'guard';

export interface Node {
  /** One, the checks of the stage between samplers and voter, or samplers that are too many for a card each. */
  readonly actors: readonly [Actor, ...Actor[]];
  readonly x: number;
  readonly y: number;
}

export interface Flow {
  readonly name: FlowName;
  /** Unique id; flows of the same name differ by sampler. */
  readonly id: string;
  /** SVG path. */
  readonly path: string;
  readonly label?: { readonly text: string; readonly x: number; readonly y: number; readonly end?: boolean };
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodeWidth: number;
  readonly nodeHeight: number;
  readonly nodes: readonly Node[];
  readonly flows: readonly Flow[];
}

export interface Cast {
  readonly questioner: Actor | undefined;
  readonly samplers: readonly Actor[];
  /** In the order in which they check; empty in a run without checks. */
  readonly checks: readonly Actor[];
  readonly voter: Actor | undefined;
  readonly learner: Actor | undefined;
  readonly evaluator: Actor | undefined;
  /** Present if the configuration lets the model write questions. */
  readonly synthesizer: Actor | undefined;
  readonly guardian: Actor | undefined;
  /** Plug-ins' watchers and all other actors. */
  readonly others: readonly Actor[];
}

/** The cards of one node. */
type Cards = Node['actors'];

const NODE_HEIGHT = 148;
/** From this width on it lies: six cards beside each other are as wide as their words then. */
const LYING_WIDTH = 780;
/** Pixels of all gaps between columns together, at least. */
const GAPS = 120;
const GAP_Y = 14;
const ARC = 44;
/** More samplers than these share a card. */
const MOST_SAMPLERS = 3;

export function castOf(actors: readonly Actor[]): Cast {
  const first = (role: string) => actors.find((actor) => actor.role === role);
  const [questioner, voter, learner, evaluator, synthesizer, guardian] = [
    first('questioner'),
    first('voter'),
    first('learner'),
    first('evaluator'),
    first('synthesizer'),
    first('guardian'),
  ];
  const samplers = actors.filter(({ role }) => role === 'sampler');
  const checks = actors.filter(({ role }) => role === 'checker');
  const loop = [questioner, ...samplers, ...checks, voter, learner, evaluator, synthesizer, guardian];
  const named = new Set<Actor | undefined>(loop);
  return {
    questioner,
    samplers,
    checks,
    voter,
    learner,
    evaluator,
    synthesizer,
    guardian,
    others: actors.filter((actor) => !named.has(actor)),
  };
}

export function layout(cast: Cast, width: number, synthetic: boolean): Layout {
  return width >= LYING_WIDTH ? wide(cast, width, synthetic) : narrow(cast, width, synthetic);
}

function wide(cast: Cast, width: number, synthetic: boolean): Layout {
  const single = (actor: Actor | undefined): readonly Cards[] => (actor ? [[actor]] : []);
  const check = asCards(cast.checks);
  const samplers = cardsOfSamplers(cast);
  const columns: readonly (readonly Cards[])[] = [
    single(cast.questioner),
    samplers,
    ...(check === undefined ? [] : [[check]]),
    single(cast.voter),
    single(cast.learner),
    single(cast.evaluator),
  ];
  const gaps = columns.length - 1;
  const gap = Math.max(GAPS / gaps, Math.min(72, (width - columns.length * 190) / gaps));
  const w = (width - gaps * gap) / columns.length;
  const h = NODE_HEIGHT;
  const rows = Math.max(1, samplers.length);
  const body = rows * h + (rows - 1) * GAP_Y;
  const top = ARC + 6;
  const x = (column: number) => column * (w + gap);
  const centred = top + (body - h) / 2;
  const placed = columns.flatMap((cards, column) =>
    cards.map((actors, row) => ({ actors, x: x(column), y: column === 1 ? top + row * (h + GAP_Y) : centred })),
  );
  const middle = centred + h / 2;
  const samplerY = samplers.map((_, row) => top + row * (h + GAP_Y) + h / 2);
  const [voter, learner, evaluator] = [gaps - 2, gaps - 1, gaps];
  const between = (name: FlowName, from: number): Flow => ({
    name,
    id: name,
    path: bend(x(from) + w, middle, x(from + 1), middle),
  });
  const flows: Flow[] = [
    ...samplerY.flatMap((y, i): Flow[] => [
      { name: 'questions', id: `questions-${i}`, path: bend(x(0) + w, middle, x(1), y) },
      { name: 'rollouts', id: `rollouts-${i}`, path: bend(x(1) + w, y, x(2), middle) },
    ]),
    ...(check === undefined ? [] : [between('checked', voter - 1)]),
    between('groups', voter),
    between('evaluate', learner),
    {
      name: 'versions',
      id: 'versions',
      path: over(x(learner) + w / 2, centred, x(1) + w / 2, top, 10),
      label: { text: 'new version', x: (x(learner) + x(1) + w) / 2, y: 18 },
    },
  ];
  const bottom = top + body;
  const below: Below = { x, w, from: centred + h, y: bottom + GAP_Y + 22, voter, evaluator };
  const second = secondRow(cast, below);
  flows.push(...second.flows);
  if (synthetic && cast.synthesizer === undefined) flows.push(syntheticArc(below, bottom + ARC - 10));
  const height = Math.max(second.height, synthetic && cast.synthesizer === undefined ? bottom + ARC + 12 : bottom);
  return { width, height: height + 2, nodeWidth: w, nodeHeight: h, nodes: [...placed, ...second.nodes], flows };
}

function cardsOfSamplers({ samplers }: Cast): readonly Cards[] {
  const all = asCards(samplers);
  return all !== undefined && samplers.length > MOST_SAMPLERS ? [all] : samplers.map((sampler): Cards => [sampler]);
}

function asCards([first, ...others]: readonly Actor[]): Cards | undefined {
  return first && [first, ...others];
}

interface Below {
  readonly x: (column: number) => number;
  readonly w: number;
  /** Right edge of the middle actors of the first row. */
  readonly from: number;
  readonly y: number;
  /** Columns of the first row. */
  readonly voter: number;
  readonly evaluator: number;
}

/**
 * Places the actors of the second row: the synthesizer between voter and questioner, the guardian under the evaluator,
 * plug-ins next to it.
 */
function secondRow(
  { synthesizer, guardian, others }: Cast,
  { x, w, from, y, voter, evaluator }: Below,
): Pick<Layout, 'nodes' | 'flows' | 'height'> {
  const h = NODE_HEIGHT;
  const nodes: Node[] = [];
  const flows: Flow[] = [];
  if (synthesizer !== undefined) {
    nodes.push({ actors: [synthesizer], x: x(1), y });
    const [middle, r] = [y + h / 2, 14];
    flows.push({
      name: 'parents',
      id: 'parents',
      path: `M${x(voter) + w / 2} ${from}V${middle - r}Q${x(voter) + w / 2} ${middle} ${x(voter) + w / 2 - r} ${middle}H${x(1) + w}`,
      label: { text: 'questions to vary', x: x(voter) + w / 2 - 24, y: middle - 8, end: true },
    });
    flows.push({
      name: 'synthetic',
      id: 'synthetic',
      path: `M${x(1)} ${middle}H${x(0) + w / 2 + r}Q${x(0) + w / 2} ${middle} ${x(0) + w / 2} ${middle - r}V${from}`,
      label: { text: 'new questions', x: x(0) + w / 2, y: middle + 18 },
    });
  }
  const columns = Array.from({ length: synthesizer === undefined ? evaluator + 1 : 2 }, (_, i) => evaluator - i);
  const extra = [...(guardian ? [guardian] : []), ...others];
  nodes.push(
    ...extra.map((actor, i): Node => ({
      actors: [actor],
      x: x(columns[i % columns.length]!),
      y: y + Math.floor(i / columns.length) * (h + GAP_Y),
    })),
  );
  if (guardian !== undefined) flows.push({ name: 'guard', id: 'guard', path: `M${x(evaluator) + w / 2} ${from}V${y}` });
  return { nodes, flows, height: Math.max(0, ...nodes.map((node) => node.y + h)) };
}

/** The flow of synthetic questions; those of an earlier synthesizer or a plug-in flow even without a synthesizer. */
function syntheticArc({ x, w, from, voter }: Below, y: number): Flow {
  return {
    name: 'synthetic',
    id: 'synthetic',
    path: under(x(voter) + w / 2, from, x(0) + w / 2, from, y),
    label: { text: 'synthetic questions', x: (x(voter) + x(0) + w) / 2, y: y + 16 },
  };
}

function narrow(cast: Cast, width: number, synthetic: boolean): Layout {
  const side = 26;
  const w = width - 2 * side;
  const h = 138;
  const gap = 26;
  const single = (actor: Actor | undefined): Cards | undefined => actor && [actor];
  const check = asCards(cast.checks);
  const samplers = cardsOfSamplers(cast);
  const order = [
    single(cast.synthesizer),
    single(cast.questioner),
    ...samplers,
    check,
    ...[cast.voter, cast.learner, cast.evaluator, cast.guardian, ...cast.others].map(single),
  ].filter((cards) => cards !== undefined);
  const tight = new Set(samplers.slice(1));
  const nodes: Node[] = [];
  let y = 2;
  for (const actors of order) {
    if (nodes.length > 0) y += tight.has(actors) ? 8 : gap;
    nodes.push({ actors, x: side, y });
    y += h;
  }
  const at = (actor: Actor | undefined) => nodes.find(({ actors }) => actors[0] === actor)?.y;
  const down = (name: FlowName, from: Actor | undefined, to: Actor | undefined): Flow[] => {
    const [start, end] = [at(from), at(to)];
    return start === undefined || end === undefined
      ? []
      : [{ name, id: name, path: `M${width / 2} ${start + h}V${end}` }];
  };
  const [sampler, last] = [samplers[0]?.[0], samplers.at(-1)?.[0]];
  const flows = [
    ...down('synthetic', cast.synthesizer, cast.questioner),
    ...down('questions', cast.questioner, sampler),
    ...down('rollouts', last, check?.[0] ?? cast.voter),
    ...down('checked', check?.[0], cast.voter),
    ...down('groups', cast.voter, cast.learner),
    ...down('evaluate', cast.learner, cast.evaluator),
    ...down('guard', cast.evaluator, cast.guardian),
  ];
  const [learner, first] = [at(cast.learner), at(sampler)];
  if (learner !== undefined && first !== undefined)
    flows.push({ name: 'versions', id: 'versions', path: aside(side + w, learner + h / 2, first + h / 2, width - 8) });
  const [voter, source] = [at(cast.voter), at(cast.synthesizer ?? cast.questioner)];
  if ((synthetic || cast.synthesizer !== undefined) && voter !== undefined && source !== undefined) {
    const name = cast.synthesizer === undefined ? 'synthetic' : 'parents';
    flows.push({ name, id: name, path: aside(side, voter + h / 2, source + h / 2, 8) });
  }
  return { width, height: y + 2, nodeWidth: w, nodeHeight: h, nodes, flows };
}

/** A path from left to right that bends in the middle if the heights differ. */
function bend(x1: number, y1: number, x2: number, y2: number): string {
  const middle = (x1 + x2) / 2;
  return y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

function over(x1: number, y1: number, x2: number, y2: number, y: number): string {
  const r = 14;
  return `M${x1} ${y1}V${y + 14 + r}Q${x1} ${y + 14} ${x1 - r} ${y + 14}H${x2 + r}Q${x2} ${y + 14} ${x2} ${y + 14 + r}V${y2}`;
}

function under(x1: number, y1: number, x2: number, y2: number, y: number): string {
  const r = 14;
  return `M${x1} ${y1}V${y - r}Q${x1} ${y} ${x1 - r} ${y}H${x2 + r}Q${x2} ${y} ${x2} ${y - r}V${y2}`;
}

function aside(x: number, y1: number, y2: number, to: number): string {
  const r = Math.sign(to - x) * 10;
  return `M${x} ${y1}H${to - r}Q${to} ${y1} ${to} ${y1 - 10}V${y2 + 10}Q${to} ${y2} ${to - r} ${y2}H${x}`;
}
