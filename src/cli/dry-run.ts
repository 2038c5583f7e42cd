/** Formats the output of `quorum start --dry-run`. */
import pc from 'picocolors';
import type { DryRun } from '../daemon/dry-run.ts';
import { bytes } from './view/format.ts';

const LABEL = 12;

export function dryRunWords({
  model,
  data,
  run,
  settings,
  engine,
  memory,
  disk,
  plugins,
  dashboard,
  notes,
}: DryRun): string[] {
  const line = (name: string, text: string) => `${pc.dim(name.padEnd(LABEL))}${text}`;
  const list = (name: string, texts: readonly string[]) => texts.map((text, i) => line(i === 0 ? name : '', text));
  const busy = engine.threads > engine.processors ? pc.yellow('  more threads than processors') : '';
  return [
    'Everything opens, and nothing was begun or written. The same command without --dry-run would start with this:',
    '',
    line('model', model.folder),
    ...(model.context === undefined
      ? []
      : [line('', `context ${whole(model.context)} tokens, vocabulary ${whole(model.vocabulary ?? 0)}`)]),
    line(
      'data',
      `${data.name}: ${questions(data.train)} to learn from, ${whole(data.heldOut)} held out, ${whole(data.answered)} of them with an answer`,
    ),
    ...list('run folder', runWords(run)),
    line('engine', `${engine.name}, ${engine.threads} compute threads of ${engine.processors} processors${busy}`),
    line('memory', `${bytes(memory.loaded)} with the model open, before the first step; ${bytes(memory.free)} free`),
    line('disk', `${bytes(disk.free)} free in ${disk.folder}`),
    line(
      'dashboard',
      dashboard === null
        ? 'none'
        : dashboard.port === 0
          ? `${dashboard.host}, on a free port`
          : `${dashboard.host}:${dashboard.port}, which is free`,
    ),
    ...list('plug-ins', plugins.length === 0 ? ['none'] : plugins.map(pluginWords)),
    ...list(
      'settings',
      settings.length === 0
        ? ['all as by default']
        : settings.map(
            ({ path, value, default: normal }) => `${path} ${shown(value)}${pc.dim(` (default ${shown(normal)})`)}`,
          ),
    ),
    ...list('notes', notes),
  ];
}

function questions(n: number): string {
  return n === 1 ? '1 question' : `${whole(n)} questions`;
}

function runWords({ folder, state, version, replayed, inHand }: DryRun['run']): string[] {
  if (state === 'new') return [`${folder} (new)`];
  const rest = [
    replayed > 0 && `the last ${replayed} learnt again from their stored batches`,
    inHand > 0 && `${inHand} groups in hand`,
  ].filter(Boolean);
  return [folder, `continued at version ${version}${rest.length === 0 ? '' : `, ${rest.join(', ')}`}`];
}

/** A dry run checks a plug-in's options but does not open its ports. */
function pluginWords({ name, source, thread, ports }: DryRun['plugins'][number]): string {
  return `${name}${name === source ? '' : ` (${source})`}: ${ports.join(', ')}${thread ? ', in a thread' : ''}`;
}

/** Formats a count without rounding. */
function whole(n: number): string {
  return n.toLocaleString('en-US');
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'not set';
}
