/** What a panel of a plug-in may hold. */
import { z } from 'zod';
import { finite, text } from './reply-words.ts';

const cell = z.union([z.string().max(1000), finite], 'expected a text of at most 1000 characters or a finite number');
const name = z.string().max(200);
export const panel = z.strictObject({
  title: text(200),
  blocks: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('text'), text: z.string().max(10_000) }),
        z.strictObject({
          type: z.literal('numbers'),
          rows: z.array(z.strictObject({ name, value: finite, unit: z.string().max(50).optional() })).max(100),
        }),
        z.strictObject({
          type: z.literal('table'),
          columns: z.array(name).max(50),
          rows: z.array(z.array(cell).max(50)).max(500),
        }),
        z.strictObject({
          type: z.literal('lines'),
          x: z.array(finite).max(10_000),
          xName: name,
          lines: z.array(z.strictObject({ name, y: z.array(finite.nullable()).max(10_000) })).max(20),
        }),
      ]),
    )
    .max(20),
});
