/**
 * Finds the column of each role in a data set. The names are those of public sets: Geometry3K and MMR1 (`images`,
 * `problem`, `answer`), GeoQA (`image`, `problem`, `solution`), MathVista (`decoded_image`, `question`, `choices`,
 * `answer`, `precision`, `metadata.task`), We-Math (`image_path`, `question`, `option`, `answer`, `knowledge concept`),
 * MathVerse and MathVision (`image` or `decoded_image`, `question`, `options`, `answer`), verl
 * (`reward_model.ground_truth`), folders of pictures (`file_name`).
 */
import { InputError } from '../protocol/errors.ts';

/** For each role its possible names, in order of preference. */
export const KNOWN = {
  question: ['problem', 'question'],
  pictures: ['images', 'image', 'decoded_image', 'image_path', 'file_name', 'file_names'],
  answer: ['answer', 'ground_truth', 'solution', 'reward_model.ground_truth'],
  choices: ['choices', 'options', 'option'],
  decimals: ['precision'],
  kind: ['kind', 'category', 'subject', 'knowledge concept', 'metadata.task'],
  id: ['id'],
  level: ['level'],
} as const;

export type ColumnRole = keyof typeof KNOWN;
export const COLUMN_ROLES = Object.keys(KNOWN) as readonly ColumnRole[];

/** The column of each role, if present. A field of a struct is written with a dot: `metadata.task`. */
export type Columns = { readonly [R in ColumnRole]?: string | undefined };

/** The user's choice; null leaves the choices out. */
export type ChosenColumns = Omit<Columns, 'choices'> & { readonly choices?: string | null | undefined };

/**
 * @param found every column, fields of structs included.
 * @param chosen the user's choice, which wins.
 * @param suits whether a known column can play the role; MathVista has `image`, a path, and `decoded_image`, the
 * picture.
 * @throws InputError when a chosen column is not there.
 */
export function chooseColumns(
  found: readonly string[],
  chosen: ChosenColumns,
  where: string,
  suits: (role: ColumnRole, name: string) => boolean = () => true,
): Columns {
  const pairs = COLUMN_ROLES.map((role) => {
    const own = chosen[role];
    if (own === null) return [role, undefined] as const;
    if (own !== undefined && !found.includes(own)) {
      throw new InputError(
        `${where}: has no column ${JSON.stringify(own)}, named for ${role} (data.columns.${role}); ${list(found)}`,
      );
    }
    return [role, own ?? KNOWN[role].find((name) => found.includes(name) && suits(role, name))] as const;
  });
  return Object.fromEntries(pairs);
}

/** The error for a missing required column. @param record a row, to suggest a column from. */
export function missingColumn(
  role: ColumnRole,
  found: readonly string[],
  record: Readonly<Record<string, unknown>>,
): string {
  const names = KNOWN[role].map((name) => `\`${name}\``).join(', ');
  const guess = found.find((name) => LIKELY[role]?.test(name) === true && valueAt(record, name) !== null) ?? 'NAME';
  return `needs a column of ${WORDS[role]}: ${names}, or another one, named by --set data.columns.${role}=${guess}; ${list(found)}`;
}

const WORDS: Readonly<Record<ColumnRole, string>> = {
  question: 'questions',
  pictures: 'pictures',
  answer: 'answers',
  choices: 'choices',
  decimals: 'decimals',
  kind: 'kinds',
  id: 'ids',
  level: 'levels',
};

/** Likely names of a column of the role. */
const LIKELY: { readonly [R in ColumnRole]?: RegExp } = {
  question: /^(?!.*(?:id|type)$).*(?:prompt|question|query|instruction|problem|text|input|caption)/i,
  pictures: /^(?!.*(?:id|width|height|size)$).*(?:image|img|picture|photo|figure|file|path)/i,
};

function list(found: readonly string[]): string {
  return `it has ${found.length === 0 ? 'no columns' : found.map((name) => `\`${name}\``).join(', ')}`;
}

/** The value of a column in a row; a dot reaches into a struct. */
export function valueAt(row: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  const dot = name.indexOf('.');
  const inner = dot < 0 ? undefined : row[name.slice(0, dot)];
  return isRecord(inner) ? valueAt(inner, name.slice(dot + 1)) : undefined;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
