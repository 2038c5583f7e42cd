/** Schemas of the fields in a browser's requests; unknown keys and values are errors. */
import { z } from 'zod';
import type { DropReason, Origin } from '../../src/protocol/messages.ts';

export const LONGEST_ID = 512;
export const MOST_ROWS = 200;
export const MOST_POINTS = 5000;

export const natural = () => z.int().min(0);
export const id = () => z.string().min(1).max(LONGEST_ID);
const share = () => z.number().min(0).max(1);
export const rows = { before: natural().exactOptional(), limit: z.int().min(1).max(MOST_ROWS) };
export const nothing = z.strictObject({});

// Records make the compiler demand each new member.
const ORIGINS: Readonly<Record<Origin, true>> = {
  dataset: true,
  'in-context': true,
  direct: true,
  plugin: true,
  writing: true,
};
const REASONS: Readonly<Record<DropReason, true>> = {
  'all-agree': true,
  'equal-rewards': true,
  'no-box': true,
  'no-vote': true,
  'share-floor': true,
  'too-long': true,
  refused: true,
  filtered: true,
  gone: true,
};

export const filter = z.strictObject({
  kind: z.string().max(LONGEST_ID).exactOptional(),
  origin: z.enum(Object.keys(ORIGINS) as Origin[]).exactOptional(),
  verdict: z.enum(['kept', 'dropped', ...(Object.keys(REASONS) as DropReason[])]).exactOptional(),
  minShare: share().exactOptional(),
  maxShare: share().exactOptional(),
  text: z.string().max(LONGEST_ID).exactOptional(),
  questionId: id().exactOptional(),
  version: natural().exactOptional(),
});
