/**
 * The cluster of a question: what asks alike about pictures that look alike. It depends on the question alone, never on
 * its label or its level, so a restart finds the same clusters.
 */
import { InputError } from '../protocol/errors.ts';
import type { Picture, PictureRef, Question } from '../protocol/messages.ts';
import { looksOf, type Looks } from './looks.ts';

/** Words of a text that count, where the data names no kind. */
const WORDS = 4;
/** Steps of a picture's edges, which are from 0 to 2. */
const EDGES = 1 / 32;

/** @param load decodes a picture. A picture that cannot be read is a look of its own. */
export async function clusterOf(question: Question, load: (ref: PictureRef) => Promise<Picture>): Promise<string> {
  const { kind, origin, text, pictures } = question;
  const asked = kind ?? patternOf(text);
  const look = await lookOf(pictures, load);
  return [...(origin === 'dataset' ? [] : [origin]), asked, look].join(' · ');
}

/** The first words in lower case, each number as `#`. */
export function patternOf(text: string): string {
  const words = text.toLowerCase().match(/\p{L}+|\p{N}[\p{N}.,]*/gu) ?? [];
  return words
    .slice(0, WORDS)
    .map((word) => (/^\p{N}/u.test(word) ? '#' : word))
    .join(' ');
}

async function lookOf(pictures: readonly PictureRef[], load: (ref: PictureRef) => Promise<Picture>): Promise<string> {
  if (pictures.length === 0) return 'no picture';
  const looks: Looks[] = [];
  try {
    for (const ref of pictures) looks.push(looksOf(await load(ref)));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return 'unreadable';
  }
  const edges = looks.reduce((sum, look) => sum + look.edges, 0);
  const parts = looks.reduce((sum, look) => sum + look.parts, 0);
  return `edges ${Math.floor(edges / EDGES)}, parts ${decade(parts)}`;
}

/** `0-3`, `4-15`, `16-63`, ... */
function decade(parts: number): string {
  let [low, high] = [0, 4];
  while (parts >= high) [low, high] = [high, high * 4];
  return `${low}-${high - 1}`;
}
