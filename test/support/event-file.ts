/**
 * Reads TensorBoard's event files (TFRecords of Event messages). It follows the format's description and shares no code
 * with our writer.
 */
import { Reader } from 'protobufjs/minimal.js';
import { expect } from 'vitest';

export interface ReadEvent {
  readonly seconds: number;
  readonly step: number;
  readonly version: string;
  readonly scalars: Readonly<Record<string, number>>;
}

export function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(masked(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(masked(data));
    events.push(readEvent(data));
    at += 16 + length;
  }
  return events;
}

function readEvent(data: Uint8Array): ReadEvent {
  const event = { seconds: 0, step: 0, version: '', scalars: {} as Record<string, number> };
  fields(Reader.create(data), {
    1: (reader) => (event.seconds = reader.double()),
    2: (reader) => (event.step = Number(reader.int64())),
    3: (reader) => (event.version = reader.string()),
    5: (summary) =>
      fields(Reader.create(summary.bytes()), {
        1: (value) => {
          let [name, scalar] = ['', Number.NaN];
          fields(Reader.create(value.bytes()), {
            1: (reader) => (name = reader.string()),
            2: (reader) => (scalar = reader.float()),
          });
          event.scalars[name] = scalar;
        },
      }),
  });
  return event;
}

function fields(reader: Reader, on: Readonly<Record<number, (reader: Reader) => unknown>>): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const read = on[tag >>> 3];
    if (!read) throw new Error(`a field ${tag >>> 3} that the format does not have here`);
    read(reader);
  }
}

function masked(data: Uint8Array): number {
  const crc = BigInt(crc32c(data));
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

/** Bit by bit, most significant first, on reflected data: the definition. */
export function crc32c(data: Uint8Array): number {
  const reflected = (value: number, bits: number): number =>
    Number.parseInt([...value.toString(2).padStart(bits, '0')].reverse().join(''), 2);
  let crc = 0xffffffff;
  for (const byte of data) {
    crc = (crc ^ (reflected(byte, 8) << 24)) >>> 0;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80000000 ? (crc << 1) ^ 0x1edc6f41 : crc << 1) >>> 0;
  }
  return reflected(~crc >>> 0, 32);
}
