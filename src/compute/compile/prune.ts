/** The last pass over a traced graph: drops what no output needs, and lets a node write an output directly. */
import { bodiesOf, Graph, readsOf, type Attribute, type Node } from './graph.ts';

export function prune(graph: Graph): Graph {
  const pruned = new Graph();
  pruned.inputs.push(...graph.inputs);
  pruned.outputs.push(...graph.outputs);
  const outputs = graph.outputs.map((value) => value.name);
  // Bodies first: what they no longer read may be dropped here.
  const nodes = live(directOutputs(graph.nodes.map(pruneBodies), new Set(outputs)), outputs);
  pruned.nodes.push(...nodes);
  const used = new Set(nodes.flatMap(readsOf));
  for (const [name, constant] of graph.constants) {
    if (used.has(name)) pruned.constants.set(name, constant);
  }
  return pruned;
}

function pruneBodies(node: Node): Node {
  if (bodiesOf(node).length === 0) return node;
  const attrs = Object.entries(node.attrs).map(([name, value]): [string, Attribute] => [
    name,
    typeof value === 'object' && 'graph' in value ? { graph: prune(value.graph) } : value,
  ]);
  return { ...node, attrs: Object.fromEntries(attrs) };
}

/**
 * Replaces `Identity(x) -> output` by x's own node writing `output`, unless x is an input, a constant, an output
 * already, or read by a body.
 */
function directOutputs(nodes: readonly Node[], outputs: ReadonlySet<string>): Node[] {
  const produced = new Set(nodes.flatMap((node) => node.outputs));
  const captured = new Set(nodes.flatMap((node) => readsOf(node).slice(node.inputs.length)));
  const renamed = new Map<string, string>();
  const kept: Node[] = [];
  for (const node of nodes) {
    const [source, target] = [node.inputs[0]!, node.outputs[0]!];
    if (
      node.op === 'Identity' &&
      outputs.has(target) &&
      produced.has(source) &&
      !outputs.has(source) &&
      !captured.has(source) &&
      !renamed.has(source)
    )
      renamed.set(source, target);
    else kept.push(node);
  }
  const rename = (names: readonly string[]): string[] => names.map((name) => renamed.get(name) ?? name);
  return kept.map((node) => ({ ...node, inputs: rename(node.inputs), outputs: rename(node.outputs) }));
}

function live(nodes: readonly Node[], outputs: readonly string[]): Node[] {
  const needed = new Set(outputs);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const input of readsOf(node)) needed.add(input);
    kept.push(node);
  }
  return kept.reverse();
}
