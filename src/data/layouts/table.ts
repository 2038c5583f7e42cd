/**
 * Layouts beyond plain columns, a row each: how a row of the data shows that it has the layout, and which columns then
 * play a role. A layout applies only to roles without a plain column.
 */
import type { Columns } from '../columns.ts';
import type { DataRecord } from '../formats/raw-row.ts';
import { isMessages } from './messages.ts';

/** The roles that a layout adds to the plain columns. */
export interface Addition {
  readonly question?: string;
  /** All of them are pictures of the question, in this order. */
  readonly pictures?: readonly string[];
  /** One choice each, in this order. */
  readonly choices?: readonly string[];
  /** Whether a column `id` names pictures shared by several rows rather than the row. */
  readonly sharesIds?: boolean;
}

export interface Layout {
  /** As in docs/data.md and in errors. */
  readonly name: string;
  /** The columns that are read, for docs/data.md. */
  readonly reads: string;
  /** Undefined when the row does not have the layout. @param plain roles that plain columns play. */
  readonly find: (record: DataRecord, plain: Columns) => Addition | undefined;
}

const FIRST = 'the question is what the user says before the first reply, and the reply is the answer';

export const LAYOUTS: readonly Layout[] = [
  {
    name: '`conversations`',
    reads: `LLaVA, ShareGPT, ShareGPT4V: \`from\`, \`value\`, next to \`image\`; ${FIRST}; \`id\`, which several rows may have, is left out`,
    find: chat('conversations', true),
  },
  {
    name: '`messages`',
    reads: `OpenAI, LLaMA-Factory: \`role\`, \`content\` as a text or as parts with \`image_url\`; ${FIRST}`,
    find: chat('messages'),
  },
  {
    name: '`prompt`',
    reads: 'verl: the same as a list, next to `images` and `reward_model.ground_truth`',
    find: chat('prompt'),
  },
  {
    name: '`image_1`, `image_2`, ...',
    reads:
      'MMMU: the pictures in the order of their numbers; within a sentence `<image 2>` becomes `image 2`; `options` is the text of a list',
    find: (record, { pictures }) => (pictures === undefined ? some('pictures', numbered(record)) : undefined),
  },
  {
    name: '`A`, `B`, ... or `choice_a`, ... or `option_a`, ...',
    reads:
      'MMBench, SEED-Bench and other TSV files of VLMEvalKit: a choice a column, empty ones are left out; `image` is base64, or the `index` of an earlier row',
    find: (record, { question, choices }) =>
      question !== undefined && choices === undefined ? some('choices', lettered(record)) : undefined,
  },
];

function chat(column: string, sharesIds = false): Layout['find'] {
  return (record, { question }) =>
    question === undefined && isMessages(record[column]) ? { question: column, sharesIds } : undefined;
}

function some(role: 'pictures' | 'choices', columns: readonly string[]): Addition | undefined {
  return columns.length > 0 ? { [role]: columns } : undefined;
}

function numbered(record: DataRecord): string[] {
  const number = (name: string): number => Number(/^image_(\d+)$/.exec(name)?.[1]);
  return Object.keys(record)
    .filter((name) => number(name) >= 0)
    .toSorted((a, b) => number(a) - number(b));
}

function lettered(record: DataRecord): string[] {
  for (const prefix of ['', 'choice_', 'option_']) {
    const columns = [...(prefix === '' ? 'ABCDEFGHIJ' : 'abcdefghij')].map((letter) => `${prefix}${letter}`);
    const missing = columns.findIndex((column) => !(column in record));
    if (missing >= 2) return columns.slice(0, missing);
  }
  return [];
}
