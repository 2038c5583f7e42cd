/**
 * Frames <-> bytes: plain msgpack, the same file on the server and in the browser. Each message stands alone: maps with
 * their keys, no records, no references, no extension types; so any msgpack library reads it, and bytes from another
 * party only ever become plain data.
 */
import { Packr } from 'msgpackr';

/** Maximum nesting of arrays and maps; deeper messages are refused. */
const MAX_DEPTH = 64;
/**
 * `RESET_BUFFER_MODE` of msgpackr: the next message overwrites this one in the packer's memory, so we hand out only
 * copies.
 */
const RESET_BUFFER = 1024;

const OPTIONS = {
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  int64AsType: 'number' as const,
  encodeUndefinedAsNil: true,
  // Not in msgpackr's types: keys whose value is undefined are left out, as JSON does.
  skipValues: [undefined],
};

const packr = new Packr(OPTIONS);

/** The caller owns the bytes: nothing else refers to their memory. */
export function encode(frame: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(frame, RESET_BUFFER));
}

/**
 * The frame `{type: 'reply', id, value}` without its value, whose bytes follow: a value for many clients is encoded
 * once.
 */
export function replyHead(id: number): Uint8Array<ArrayBuffer> {
  const bytes = encode({ type: 'reply', id, value: null });
  return bytes.slice(0, -1);
}

/**
 * @throws RangeError that names the wrong byte: missing or extra bytes, an extension type, a key that is not text, too
 * deep.
 */
export function decode(bytes: Uint8Array): unknown {
  checkPlain(bytes);
  return packr.unpack(bytes) as unknown;
}

/** Walks over one message without building anything; iterative, so that no input can exhaust the stack. */
function checkPlain(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values still to be read at each open array or map; a map counts its keys too, and reads them at even counts. */
  const left: number[] = [1];
  const isMap: boolean[] = [false];
  let at = 0;
  while (left.length > 0) {
    const top = left.length - 1;
    if (left[top] === 0) {
      left.pop();
      isMap.pop();
      continue;
    }
    if (at >= bytes.length) throw new RangeError(`the message ends at byte ${at}, in the middle of a value`);
    const isKey = isMap[top] === true && left[top]! % 2 === 0;
    left[top]! -= 1;
    const token = tokenAt(view, at);
    if (isKey && !token.isText) throw new RangeError(`byte ${at}: a key of a map is not text`);
    at += token.size;
    if (at > bytes.length) throw new RangeError(`the message ends at byte ${bytes.length}, in the middle of a value`);
    if (token.values === undefined) continue;
    if (left.length > MAX_DEPTH) throw new RangeError(`byte ${at}: nested deeper than ${MAX_DEPTH}`);
    left.push(token.values);
    isMap.push(token.isMap === true);
  }
  if (at < bytes.length) throw new RangeError(`the message ends at byte ${at}, but ${bytes.length - at} bytes follow`);
}

/** `size`: bytes of the token, with a text's bytes. `values`: how many values an array or a map holds, keys counted. */
interface Token {
  readonly size: number;
  readonly isText?: true;
  readonly values?: number;
  readonly isMap?: true;
}

const PLAIN: Readonly<Record<number, number>> = {
  // nil, false, true
  0xc0: 1,
  0xc2: 1,
  0xc3: 1,
  // float32, float64
  0xca: 5,
  0xcb: 9,
  // unsigned, signed
  0xcc: 2,
  0xcd: 3,
  0xce: 5,
  0xcf: 9,
  0xd0: 2,
  0xd1: 3,
  0xd2: 5,
  0xd3: 9,
};

/** See https://github.com/msgpack/msgpack/blob/master/spec.md. */
function tokenAt(view: DataView, at: number): Token {
  const first = view.getUint8(at);
  if (first < 0x80 || first >= 0xe0) return { size: 1 };
  if (first < 0x90) return { size: 1, values: 2 * (first & 0x0f), isMap: true };
  if (first < 0xa0) return { size: 1, values: first & 0x0f };
  if (first < 0xc0) return { size: 1 + (first & 0x1f), isText: true };
  const size = PLAIN[first];
  if (size !== undefined) return { size };
  if (first >= 0xd9 && first <= 0xdf) return longAt(view, at, first);
  throw new RangeError(
    `byte ${at}: ${first === 0xc1 ? 'not msgpack' : 'binary and extension types are not part of a frame'} (0x${first.toString(16)})`,
  );
}

function longAt(view: DataView, at: number, first: number): Token {
  const width = first === 0xd9 ? 1 : first === 0xda || first === 0xdc || first === 0xde ? 2 : 4;
  if (at + 1 + width > view.byteLength) return { size: 1 + width };
  const count = width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  if (first <= 0xdb) return { size: 1 + width + count, isText: true };
  return first <= 0xdd ? { size: 1 + width, values: count } : { size: 1 + width, values: 2 * count, isMap: true };
}
