import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Packr, pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { decode, encode, replyHead } from '../../src/protocol/codec.ts';
import { FRAMES_VERSION } from '../../src/protocol/frames.ts';
import { CLIENT_FRAMES, SERVER_FRAMES } from './golden-frames.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const golden = (name: string) =>
  readFileSync(new URL(`./golden/${name}.hex`, import.meta.url), 'utf8').replaceAll(/\s/g, '');

/** What a frame can hold: JSON, and numbers that JSON cannot write. A zero has no sign there, as in JSON. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((number) => (number === 0 ? 0 : number)),
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme', maxLength: 40 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true },
    ),
  ),
})).value;

describe('wire bytes', () => {
  test('are of version 1', () => expect(FRAMES_VERSION).toBe(1));

  test.each(Object.entries({ ...SERVER_FRAMES, ...CLIENT_FRAMES }))('of %s are golden', (name, frame) => {
    expect(hex(encode(frame))).toBe(golden(name));
    expect(decode(Buffer.from(golden(name), 'hex'))).toEqual(frame);
  });

  test('a reply is its head and its value', () => {
    fc.assert(
      fc.property(fc.nat(), plain, (id, value) => {
        expect(hex(Buffer.concat([replyHead(id), encode(value)]))).toBe(hex(encode({ type: 'reply', id, value })));
      }),
    );
  });
});

describe('encode and decode', () => {
  test('give back any plain data', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(decode(encode(value))).toEqual(value);
      }),
    );
  });

  test('leave out undefined, as JSON does', () => {
    expect(decode(encode({ a: undefined, b: [undefined], c: { d: undefined } }))).toEqual({ b: [null], c: {} });
  });

  test('give bytes that nothing else refers to', () => {
    const messages = Array.from({ length: 50 }, (_, i) => ({ i, text: 'x'.repeat(100 * i) }));
    const all = messages.map((message) => encode(message));
    for (const [i, bytes] of all.entries()) {
      expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
      expect(decode(bytes)).toEqual(messages[i]);
    }
    const [first] = all;
    const frozen = hex(first!);
    all[1]!.fill(0);
    encode('y'.repeat(10_000));
    expect(hex(first!)).toBe(frozen);
  });

  test('are self-contained: the same frame has the same bytes, whatever came before', () => {
    const before = hex(encode(SERVER_FRAMES['server-hello']));
    for (const frame of Object.values(SERVER_FRAMES)) encode(frame);
    expect(hex(encode(SERVER_FRAMES['server-hello']))).toBe(before);
  });
});

describe('decode refuses', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);

  test.each([
    ['nothing', bytes(), /ends at byte 0/],
    ['a message cut short', encode({ text: 'hello' }).subarray(0, -1), /in the middle of a value/],
    ['a length without bytes', bytes(0xda, 0xff), /in the middle of a value/],
    ['an array that claims four billion values', bytes(0xdd, 0xff, 0xff, 0xff, 0xff), /ends at byte 5/],
    ['bytes left over', Buffer.concat([encode(1), encode(2)]), /1 bytes follow/],
    ['a byte that msgpack never uses', bytes(0xc1), /not msgpack/],
    ['a key that is no text', bytes(0x81, 0x01, 0x01), /key/],
    ['deep nesting', bytes(...Array<number>(100_000).fill(0x91), 0xc0), /deeper than 64/],
    ['binary', pack(new Uint8Array(4)), /binary and extension/],
    ['a date', pack(new Date(0)), /binary and extension/],
    ['a set', new Packr({ moreTypes: true }).pack(new Set([1])), /binary and extension/],
    ['a regular expression', new Packr({ moreTypes: true }).pack(/(a+)+$/), /binary and extension/],
    ['a record', new Packr({ useRecords: true }).pack({ a: 1 }), /binary and extension/],
    ['a cycle', new Packr({ structuredClone: true }).pack(cyclic()), /binary and extension/],
  ])('%s', (_, message, reason) => expect(() => decode(message)).toThrow(reason));

  test('any bytes with a RangeError, or reads plain data', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
        try {
          expect(JSON.stringify(decode(message))).toEqual(expect.any(String));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a prototype as a key', () => {
    const value = decode(Buffer.concat([bytes(0x81), encode('__proto__'), encode({ polluted: true })])) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

function cyclic(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}
