/**
 * Events of the log as a person reads them. The database may hold those of an older Quorum: an unknown event, or an
 * event that lacks a field, is shown as its fields.
 */
import { commandWords, type Command } from './commands.ts';

export interface EventWords {
  /** Author of a command. */
  readonly author?: string;
  readonly text: string;
}

/** Reads a field as text. */
type Read = (path: string) => string;

const WORDS: Readonly<Record<string, (read: Read, data: Fields) => string>> = {
  checkpoint: (read, { best }) => `version ${read('version')} is saved${best === true ? ' as the best so far' : ''}`,
  'actor.restarted': (read) => `${read('actor')} is restarted: ${read('reason')}`,
  'save.repeated': (read) => `${read('doing')}, once more: ${read('reason')}`,
  rollback: (read) => `learning continues from version ${read('from')} as version ${read('as')}`,
  'replay.failed': (read) =>
    `batch ${read('batch')} cannot be learnt again: ${read('cause')}; learning continues from version ${read('from')} as version ${read('as')}, ${read('lost')} ${read('lost') === '1' ? 'version is' : 'versions are'} lost`,
  'question.refused': (read) => `the ${read('part')} question ${read('question')} is left out: ${read('reason')}`,
  'batch.set-aside': (read, { groups }) =>
    `batch ${read('batch')}${Array.isArray(groups) ? ` (${groups.length} groups)` : ''} is set aside at version ${read('version')}: ${read('cause')}`,
  'batch.empty': (read) => read('text'),
  guardian: (read, { why, remedy }) => {
    const act = isFields(remedy) ? `; ${remedyWords(remedy)}` : '';
    return `${read('level')} at version ${read('version')}${typeof why === 'string' && why !== '' ? `: ${why}` : ''}${act}`;
  },
  'settings.changed': (_, data) =>
    (Object.values(data) as readonly Fields[])
      .map(({ path, was, is }) => `${String(path)} is ${shown(is)} (was ${shown(was)})`)
      .join('; '),
  'data.changed': (read, { train, heldOut, pictures, dropped, lost }) => {
    const counted = (name: string, counts: unknown) =>
      isFields(counts) && anyOf(counts) ? [`${name}: ${countWords(counts)}`] : [];
    const parts = [
      ...counted('questions', train),
      ...counted('held-out questions', heldOut),
      ...counted('pictures', pictures),
    ];
    const withdrawn = [
      Number(dropped) > 0 && `${read('dropped')} in hand dropped`,
      Number(lost) > 0 && `${read('lost')} learnt groups withdrawn`,
    ];
    return [...parts, ...withdrawn.filter(Boolean)].join('; ');
  },
};

export function eventWords(type: string, data: unknown): EventWords {
  if (typeof data === 'string') return { text: data };
  if (!isFields(data)) return { text: data === null || data === undefined ? '' : shown(data) };
  if (type === 'command') return commandEvent(data);
  try {
    const text = WORDS[type]?.((path) => field(data, path), data);
    return { text: text === undefined || text === '' ? fieldsOf(data) : text };
  } catch {
    return { text: fieldsOf(data) };
  }
}

type Fields = Readonly<Record<string, unknown>>;

function commandEvent(data: Fields): EventWords {
  const { command, author, outcome, words, ...rest } = data;
  if (!isFields(command) || typeof command['type'] !== 'string' || typeof author !== 'string')
    return { text: fieldsOf({ command, outcome, ...rest }) };
  const became = outcome === 'done' ? words : outcome;
  return {
    author,
    text: `${commandWords(command as unknown as Command)}${typeof became === 'string' ? `: ${became}` : ''}`,
  };
}

function remedyWords(remedy: Fields): string {
  const { type, to, attempt, settings } = remedy;
  if (type !== 'restart' || !isFields(settings))
    return `learning is paused${typeof to === 'number' ? ` at version ${to}` : ''}`;
  const { learningRate, temperature, shareFloor } = settings;
  return `back to version ${shown(to)} (try ${shown(attempt)}), learning rate ${shown(learningRate)}, temperature ${shown(temperature)}, share floor ${shown(shareFloor)}`;
}

/** @throws RangeError where it is missing. */
function field(data: Fields, name: string): string {
  const value = data[name];
  if (value === undefined || value === null) throw new RangeError(`no field ${name}`);
  return typeof value === 'string' ? value : shown(value);
}

function countWords(counts: Fields): string {
  return Object.entries(counts)
    .filter(([, n]) => Number(n) > 0)
    .map(([what, n]) => `${shown(n)} ${what}`)
    .join(', ');
}

function anyOf(counts: Fields): boolean {
  return Object.values(counts).some((n) => Number(n) > 0);
}

function fieldsOf(data: Fields): string {
  const known = Object.entries(data).filter(([, value]) => value !== undefined && value !== null);
  return known
    .map(
      ([name, value]) =>
        `${name} ${isFields(value) ? `(${fieldsOf(value)})` : typeof value === 'string' ? value : shown(value)}`,
    )
    .join(', ');
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'not set';
}

/** Also a list, by its numbers. */
function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
