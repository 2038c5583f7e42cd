/** The report of a stream as Markdown and as a page with its curves. */
import { escape, htmlPage, htmlTable, linePlot, textTable, type PlotLine } from './plots.ts';
import { runName, type StageBench, type StageResult } from './run-stages.ts';
import { shown } from './statistics.ts';
import type { StageRow, StreamTable } from './stream-statistics.ts';

type About = Pick<StageBench, 'data' | 'questions' | 'heldOut'>;

const HEAD = [
  'stage',
  'before',
  'while learnt',
  'fresh run, while learnt',
  'after',
  'fresh run, after',
  'at the end',
  'forgotten',
];

export function streamMarkdown(table: StreamTable, about: About): string {
  return [aboutWords(table, about), '', ...textTable(HEAD, table.rows.map(rowWords)), ''].join('\n');
}

export function streamHtml(table: StreamTable, results: readonly StageResult[], about: About): string {
  return htmlPage(
    'A stream of stages',
    `<p>${escape(aboutWords(table, about))}</p>
${htmlTable(HEAD, table.rows.map(rowWords))}
<h2>All stages over time</h2>
<p>Greedy accuracy by learner step, a line for each seed; dashed the fresh runs, from the step at which their stage begins. Upright lines are where the first seed's stages begin.</p>
${curves(results)}`,
  );
}

function aboutWords({ seeds }: StreamTable, { data, questions, heldOut }: About): string {
  return (
    `Kinds of pictures (${data}) one after the other, ${questions} questions of each, in runs of ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}; the loop is not told where one ends. ` +
    `Greedy accuracy in % on ${heldOut} held-out questions of each stage, mean ± standard deviation over seeds: when the stage begins, the mean over the evaluations while it is asked, ` +
    `when it ends, and when the last one ends; forgotten is the best since it began less the end. A fresh run starts from the base and asks the same questions of one stage alone.`
  );
}

export function rowWords({ stage, before, during, after, end, forgotten, fresh }: StageRow): string[] {
  return [
    stage,
    shown(before),
    shown(during),
    fresh === null ? '–' : shown(fresh.during),
    shown(after),
    fresh === null ? '–' : shown(fresh.after),
    shown(end),
    shown(forgotten),
  ];
}

function curves(results: readonly StageResult[]): string {
  const streams = results.filter(({ stages }) => stages.length > 1);
  const [first] = streams;
  if (first === undefined) return '';
  const last = Math.max(1, ...streams.map(({ steps }) => steps));
  const lines = streams.flatMap((stream) => stream.stages.map((stage) => lineOf(stream, stage, 0)));
  const fresh = results.flatMap((run) => {
    const stream = streams.find(({ seed }) => seed === run.seed);
    const [stage] = run.stages;
    if (run.stages.length > 1 || stream === undefined || stage === undefined) return [];
    return [{ ...lineOf(run, stage, stream.starts[stream.stages.indexOf(stage)] ?? 0), dashed: true }];
  });
  const starts = first.starts.map((x, i) => ({ x, text: first.stages[i]! }));
  const ticks = [...starts, { x: last, text: `step ${last}` }];
  return linePlot({
    label: 'Accuracy on each stage by learner step',
    lines: [...lines, ...fresh],
    ticks,
    marks: first.starts,
  });
}

function lineOf(run: StageResult, stage: string, from: number): PlotLine {
  const points = run.points.map(({ version, stages }) => [from + version, stages[stage] ?? 0] as const);
  return { name: stage, title: `${stage}: ${runName(run)}`, points };
}
