/**
 * The calls of the ports that only plug-ins have. A job of several groups makes one call per group, each with its own
 * deadline.
 */
import type { Config } from '../config/schema.ts';
import type { JudgedGroup } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type {
  Advantage,
  AdvantageRequest,
  Export,
  ExportPage,
  Filter,
  LoopEvent,
  Panel,
  PanelContent,
  Reward,
  RewardReply,
  RewardRequest,
  Watch,
} from '../protocol/ports.ts';

export type CallTimeouts = Pick<Config['timeouts'], 'pluginSeconds'>;

/** @param which names the group of the job: `group 2 of 8`. */
export function rewarding(
  request: RewardRequest,
  which: string,
  { pluginSeconds }: CallTimeouts,
): Call<Reward, RewardReply> {
  return { doing: `rewarding ${which}`, seconds: pluginSeconds, run: async (port, signal) => port(request, signal) };
}

export function weighing(
  request: AdvantageRequest,
  which: string,
  { pluginSeconds }: CallTimeouts,
): Call<Advantage, readonly number[]> {
  return {
    doing: `advantages of ${which}`,
    seconds: pluginSeconds,
    run: async (port, signal) => port(request, signal),
  };
}

export function filtering(
  judged: JudgedGroup,
  which: string,
  { pluginSeconds }: CallTimeouts,
): Call<Filter, string | undefined> {
  return { doing: `filtering ${which}`, seconds: pluginSeconds, run: async (port, signal) => port(judged, signal) };
}

export function watching(event: LoopEvent, { pluginSeconds }: CallTimeouts): Call<Watch, void> {
  return { doing: `watching: ${event.type}`, seconds: pluginSeconds, run: async (port, signal) => port(event, signal) };
}

export function exporting(page: ExportPage, { pluginSeconds }: CallTimeouts): Call<Export, void> {
  return {
    doing: `exporting ${page.records.length} records`,
    seconds: pluginSeconds,
    run: async (port, signal) => port(page, signal),
  };
}

export function drawing({ pluginSeconds }: CallTimeouts): Call<Panel, PanelContent> {
  return { doing: 'drawing its panel', seconds: pluginSeconds, run: async (port, signal) => port(signal) };
}
