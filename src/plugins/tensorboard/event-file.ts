/**
 * TensorBoard's event files: TFRecords (length, its checksum, data, its checksum) of `Event` messages. Field numbers
 * are those of event.proto and summary.proto in TensorFlow.
 */
import { Writer } from 'protobufjs/minimal.js';

const FIXED64 = 1;
const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

const tag = (field: number, wire: number): number => (field << 3) | wire;

/** The first record of a file. @param seconds since 1970. */
export function versionRecord(seconds: number): Uint8Array {
  return record(event(seconds, 0).uint32(tag(3, BYTES)).string('brain.Event:2').finish());
}

export interface ScalarsEvent {
  readonly step: number;
  /** Since 1970. */
  readonly seconds: number;
  readonly scalars: Readonly<Record<string, number>>;
}

export function scalarsRecord({ step, seconds, scalars }: ScalarsEvent): Uint8Array {
  const writer = event(seconds, step).uint32(tag(5, BYTES)).fork();
  for (const [name, value] of Object.entries(scalars)) {
    writer.uint32(tag(1, BYTES)).fork();
    writer.uint32(tag(1, BYTES)).string(name).uint32(tag(2, FIXED32)).float(value).ldelim();
  }
  return record(writer.ldelim().finish());
}

function event(seconds: number, step: number): Writer {
  return Writer.create().uint32(tag(1, FIXED64)).double(seconds).uint32(tag(2, VARINT)).int64(step);
}

function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(8 + 4 + data.length + 4);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(maskedCrc(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return bytes;
}

/**
 * Checksums of data that holds checksums are weak, so TFRecord stores them rotated and shifted
 * (tensorflow/core/lib/hash/crc32c.h).
 */
function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli), reflected. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}
