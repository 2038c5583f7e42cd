/** The last pass over a traced graph: drops what no output needs, and lets a node write an output directly. */
import { Graph, type Node } from './graph.ts';

export function prune(graph: Graph): Graph {
  const pruned = new Graph();
  pruned.inputs.push(...graph.inputs);
  pruned.outputs.push(...graph.outputs);
  const nodes = live(
    directOutputs(graph),
    graph.outputs.map((value) => value.name),
  );
  pruned.nodes.push(...nodes);
  const used = new Set(nodes.flatMap((node) => node.inputs));
  for (const [name, constant] of graph.constants) {
    if (used.has(name)) pruned.constants.set(name, constant);
  }
  return pruned;
}

/**
 * Replaces `Identity(x) -> output` by x's own node writing `output`, unless x is an input, a constant, or an output
 * already.
 */
function directOutputs(graph: Graph): Node[] {
  const produced = new Set(graph.nodes.flatMap((node) => node.outputs));
  const outputs = new Set(graph.outputs.map((value) => value.name));
  const renamed = new Map<string, string>();
  const kept: Node[] = [];
  for (const node of graph.nodes) {
    const [source, target] = [node.inputs[0]!, node.outputs[0]!];
    if (
      node.op === 'Identity' &&
      outputs.has(target) &&
      produced.has(source) &&
      !outputs.has(source) &&
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
    for (const input of node.inputs) needed.add(input);
    kept.push(node);
  }
  return kept.reverse();
}
