/** The schema of a picture's place, in replies of plug-ins and in messages to workers. */
import { z } from 'zod';
import type { PictureRef } from '../protocol/messages.ts';
import { text } from './reply-words.ts';

const from0 = z.int().min(0);
const cuts = z.int().min(1).max(64);
const path = text(4096);
const digest = text(64);

const parquet = z.strictObject({
  type: z.literal('parquet'),
  path,
  column: text(1024),
  row: from0,
  index: from0,
  digest,
});
const base64 = z.strictObject({ type: z.literal('base64'), path, offset: from0, length: from0, digest });

/** All places: those within data files are on this machine only. */
export const picture = pictures(parquet, base64);

/** Places that other machines can read too, where the path of a file is the hash of its content. */
export const portablePicture = pictures();

function pictures(...withinFiles: readonly (typeof parquet | typeof base64)[]): z.ZodType<PictureRef> {
  const of = z.lazy(() => any);
  const any: z.ZodType<PictureRef> = z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('file'), path }),
    z.strictObject({ type: z.literal('figure'), key: text(4096) }),
    z.strictObject({ type: z.literal('coarse'), of }),
    z.strictObject({ type: z.literal('disturbed'), of, seed: from0 }),
    z.strictObject({ type: z.literal('rearranged'), of, rows: cuts, columns: cuts, order: z.array(from0).max(4096) }),
    ...withinFiles,
  ]);
  return any;
}
