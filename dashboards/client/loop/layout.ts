/**
 * Computes the places of the loop's nodes and arrows, in pixels: left to right if there is room, top to bottom on a
 * phone.
 */
import type { Live } from '../../../src/protocol/frames.ts';

export type Actor = Live['actors'][number];
export type FlowName =
  | 'questions'
  | 'rollouts'
  | 'groups'
  | 'versions'
  | 'evaluate'
  | 'parents'
  | 'synthetic'
  | 'guard';

export interface Node {
  readonly actor: Actor;
  readonly x: number;
  readonly y: number;
}

export interface Flow {
  readonly name: FlowName;
  /** Unique id; flows of the same name differ by sampler. */
  readonly id: string;
  /** SVG path. */
  readonly path: string;
  readonly label?: { readonly text: string; readonly x: number; readonly y: number; readonly left?: boolean };
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
  readonly voter: Actor | undefined;
  readonly learner: Actor | undefined;
  readonly evaluator: Actor | undefined;
  /** Present if the configuration lets the model write questions. */
  readonly synthesizer: Actor | undefined;
  readonly guardian: Actor | undefined;
  /** Plug-ins' watchers and all other actors. */
  readonly others: readonly Actor[];
}

const NODE_HEIGHT = 148;
const GAP_Y = 14;
const ARC = 44;

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
  const named = new Set<Actor | undefined>([questioner, voter, learner, evaluator, synthesizer, guardian, ...samplers]);
  return {
    questioner,
    samplers,
    voter,
    learner,
    evaluator,
    synthesizer,
    guardian,
    others: actors.filter((actor) => !named.has(actor)),
  };
}

export function layout(cast: Cast, width: number, synthetic: boolean): Layout {
  return width >= 860 ? wide(cast, width, synthetic) : narrow(cast, width, synthetic);
}

function wide(cast: Cast, width: number, synthetic: boolean): Layout {
  const columns = [
    cast.questioner ? [cast.questioner] : [],
    cast.samplers,
    cast.voter ? [cast.voter] : [],
    cast.learner ? [cast.learner] : [],
    cast.evaluator ? [cast.evaluator] : [],
  ];
  const gap = Math.max(30, Math.min(72, (width - 5 * 190) / 4));
  const w = (width - 4 * gap) / 5;
  const h = NODE_HEIGHT;
  const rows = Math.max(1, cast.samplers.length);
  const body = rows * h + (rows - 1) * GAP_Y;
  const top = ARC + 6;
  const x = (column: number) => column * (w + gap);
  const centred = top + (body - h) / 2;
  const placed = columns.flatMap((actors, column) =>
    actors.map((actor, row) => ({
      actor,
      x: x(column),
      y: column === 1 ? top + row * (h + GAP_Y) + ((rows - actors.length) * (h + GAP_Y)) / 2 : centred,
    })),
  );
  const middle = centred + h / 2;
  const samplerY = cast.samplers.map((_, row) => top + row * (h + GAP_Y) + h / 2);
  const flows: Flow[] = [
    ...samplerY.map((y, i) => ({
      name: 'questions' as const,
      id: `questions-${i}`,
      path: bend(x(0) + w, middle, x(1), y),
    })),
    ...samplerY.map((y, i) => ({
      name: 'rollouts' as const,
      id: `rollouts-${i}`,
      path: bend(x(1) + w, y, x(2), middle),
    })),
    { name: 'groups', id: 'groups', path: bend(x(2) + w, middle, x(3), middle) },
    { name: 'evaluate', id: 'evaluate', path: bend(x(3) + w, middle, x(4), middle) },
    {
      name: 'versions',
      id: 'versions',
      path: over(x(3) + w / 2, centred, x(1) + w / 2, top, 10),
      label: { text: 'new version', x: x(2) + w / 2, y: 18 },
    },
  ];
  const bottom = top + body;
  const below: Below = { x, w, from: centred + h, y: bottom + GAP_Y + 22 };
  const second = secondRow(cast, below);
  flows.push(...second.flows);
  if (synthetic && cast.synthesizer === undefined) flows.push(syntheticArc(below, bottom + ARC - 10));
  const height = Math.max(second.height, synthetic && cast.synthesizer === undefined ? bottom + ARC + 12 : bottom);
  return { width, height: height + 2, nodeWidth: w, nodeHeight: h, nodes: [...placed, ...second.nodes], flows };
}

interface Below {
  readonly x: (column: number) => number;
  readonly w: number;
  /** Right edge of the middle actors of the first row. */
  readonly from: number;
  readonly y: number;
}

/**
 * Places the actors of the second row: the synthesizer between voter and questioner, the guardian under the evaluator,
 * plug-ins next to it.
 */
function secondRow(
  { synthesizer, guardian, others }: Cast,
  { x, w, from, y }: Below,
): Pick<Layout, 'nodes' | 'flows' | 'height'> {
  const h = NODE_HEIGHT;
  const nodes: Node[] = [];
  const flows: Flow[] = [];
  if (synthesizer !== undefined) {
    nodes.push({ actor: synthesizer, x: x(1), y });
    const [middle, r] = [y + h / 2, 14];
    flows.push({
      name: 'parents',
      id: 'parents',
      path: `M${x(2) + w / 2} ${from}V${middle - r}Q${x(2) + w / 2} ${middle} ${x(2) + w / 2 - r} ${middle}H${x(1) + w}`,
      label: { text: 'questions to vary', x: x(2) + w / 2 + 12, y: middle + 4, left: true },
    });
    flows.push({
      name: 'synthetic',
      id: 'synthetic',
      path: `M${x(1)} ${middle}H${x(0) + w / 2 + r}Q${x(0) + w / 2} ${middle} ${x(0) + w / 2} ${middle - r}V${from}`,
      label: { text: 'new questions', x: x(0) + w / 2, y: middle + 18 },
    });
  }
  const columns = synthesizer === undefined ? [4, 3, 2, 1, 0] : [4, 3];
  const extra = [...(guardian ? [guardian] : []), ...others];
  nodes.push(
    ...extra.map((actor, i) => ({
      actor,
      x: x(columns[i % columns.length]!),
      y: y + Math.floor(i / columns.length) * (h + GAP_Y),
    })),
  );
  if (guardian !== undefined) flows.push({ name: 'guard', id: 'guard', path: `M${x(4) + w / 2} ${from}V${y}` });
  return { nodes, flows, height: Math.max(0, ...nodes.map((node) => node.y + h)) };
}

/** The flow of synthetic questions; those of an earlier synthesizer or a plug-in flow even without a synthesizer. */
function syntheticArc({ x, w, from }: Below, y: number): Flow {
  return {
    name: 'synthetic',
    id: 'synthetic',
    path: under(x(2) + w / 2, from, x(0) + w / 2, from, y),
    label: { text: 'synthetic questions', x: x(1) + w / 2, y: y + 16 },
  };
}

function narrow(cast: Cast, width: number, synthetic: boolean): Layout {
  const side = 26;
  const w = width - 2 * side;
  const h = 138;
  const gap = 26;
  const order = [
    cast.synthesizer,
    cast.questioner,
    ...cast.samplers,
    cast.voter,
    cast.learner,
    cast.evaluator,
    cast.guardian,
    ...cast.others,
  ].filter((actor) => actor !== undefined);
  const tight = new Set(cast.samplers.slice(1));
  const nodes: Node[] = [];
  let y = 2;
  for (const actor of order) {
    if (nodes.length > 0) y += tight.has(actor) ? 8 : gap;
    nodes.push({ actor, x: side, y });
    y += h;
  }
  const at = (actor: Actor | undefined) => nodes.find((node) => node.actor === actor)?.y;
  const down = (name: FlowName, from: Actor | undefined, to: Actor | undefined): Flow[] => {
    const [start, end] = [at(from), at(to)];
    return start === undefined || end === undefined
      ? []
      : [{ name, id: name, path: `M${width / 2} ${start + h}V${end}` }];
  };
  const [sampler, last] = [cast.samplers[0], cast.samplers.at(-1)];
  const flows = [
    ...down('synthetic', cast.synthesizer, cast.questioner),
    ...down('questions', cast.questioner, sampler),
    ...down('rollouts', last, cast.voter),
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
