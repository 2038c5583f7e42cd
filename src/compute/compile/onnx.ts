/**
 * Serializes a Graph as an ONNX ModelProto. Field numbers are those of onnx.proto; only the messages that a graph here
 * needs are written.
 */
import { Writer } from 'protobufjs/minimal.js';
import { ONNX_TYPE, type Attribute, type Constant, type External, type Graph, type Node, type Value } from './graph.ts';

const OPSET = 18;
const IR_VERSION = 8;
const BYTES = 2;
const DATA_LOCATION_EXTERNAL = 1;
const ATTRIBUTE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 };

const tag = (field: number, wire: number): number => (field << 3) | wire;
const varint = (w: Writer, field: number, value: number): Writer => w.uint32(tag(field, 0)).int64(value);
const text = (w: Writer, field: number, value: string): Writer => w.uint32(tag(field, BYTES)).string(value);

function message(w: Writer, field: number, body: (w: Writer) => void): void {
  w.uint32(tag(field, BYTES)).fork();
  body(w);
  w.ldelim();
}

function writeAttribute(w: Writer, name: string, value: Attribute): void {
  text(w, 1, name);
  if (typeof value === 'string') {
    varint(text(w, 4, value), 20, ATTRIBUTE.string);
  } else if (typeof value === 'number') {
    varint(varint(w, 3, value), 20, ATTRIBUTE.int);
  } else if ('float' in value) {
    varint(w.uint32(tag(2, 5)).float(value.float), 20, ATTRIBUTE.float);
  } else if ('graph' in value) {
    message(w, 6, () => writeGraph(w, value.graph, name));
    varint(w, 20, ATTRIBUTE.graph);
  } else {
    for (const item of value) varint(w, 8, item);
    varint(w, 20, ATTRIBUTE.ints);
  }
}

function writeNode(w: Writer, node: Node): void {
  for (const input of node.inputs) text(w, 1, input);
  for (const output of node.outputs) text(w, 2, output);
  text(w, 3, node.outputs[0]!);
  text(w, 4, node.op);
  for (const [name, value] of Object.entries(node.attrs)) message(w, 5, () => writeAttribute(w, name, value));
  if (node.domain) text(w, 7, node.domain);
}

function writeTensorType(w: Writer, { name, dtype, shape }: Value): void {
  for (const dim of shape) varint(w, 1, dim);
  varint(w, 2, ONNX_TYPE[dtype]);
  text(w, 8, name);
}

function writeConstant(w: Writer, constant: Constant): void {
  writeTensorType(w, constant);
  const { buffer, byteOffset, byteLength } = constant.data;
  w.uint32(tag(9, BYTES)).bytes(new Uint8Array(buffer, byteOffset, byteLength));
}

function writeExternal(w: Writer, external: External): void {
  writeTensorType(w, external);
  for (const key of ['location', 'offset', 'length'] as const)
    message(w, 13, () => text(text(w, 1, key), 2, String(external[key])));
  varint(w, 14, DATA_LOCATION_EXTERNAL);
}

function writeValueInfo(w: Writer, value: Value): void {
  text(w, 1, value.name);
  message(w, 2, () =>
    message(w, 1, () => {
      varint(w, 1, ONNX_TYPE[value.dtype]);
      message(w, 2, () => {
        for (const dim of value.shape) message(w, 1, () => varint(w, 1, dim));
      });
    }),
  );
}

function writeGraph(w: Writer, graph: Graph, name: string): void {
  for (const node of graph.nodes) message(w, 1, () => writeNode(w, node));
  text(w, 2, name);
  for (const constant of graph.constants.values()) message(w, 5, () => writeConstant(w, constant));
  for (const external of graph.externals.values()) message(w, 5, () => writeExternal(w, external));
  for (const value of graph.inputs) message(w, 11, () => writeValueInfo(w, value));
  for (const value of graph.outputs) message(w, 12, () => writeValueInfo(w, value));
}

export function encodeModel(graph: Graph, name: string): Uint8Array {
  const w = Writer.create();
  varint(w, 1, IR_VERSION);
  text(w, 2, 'quorum');
  message(w, 7, () => writeGraph(w, graph, name));
  for (const [domain, version] of [
    ['', OPSET],
    ['com.microsoft', 1],
  ] as const) {
    message(w, 8, () => varint(text(w, 1, domain), 2, version));
  }
  return w.finish();
}
