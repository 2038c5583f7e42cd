/**
 * Contents of the plug-ins' panels. A panel is called only when a page reads it, and a page gets the reply to the
 * previous call, so that a slow panel delays no page.
 */
import { CancelledError } from '../protocol/errors.ts';
import type { PanelCard } from '../protocol/frames.ts';
import type { Panel } from '../protocol/ports.ts';
import type { OfPlugin } from '../protocol/performer.ts';
import { drawing } from '../roles/plug-ins.ts';

export interface PanelOptions {
  readonly panels: () => readonly OfPlugin<Panel>[];
  readonly parked: () => readonly { readonly plugin: string; readonly error: string }[];
  readonly seconds: number;
  readonly stop: AbortSignal;
  readonly now: () => number;
}

/** Least time between two calls of a panel. */
const REST_MILLISECONDS = 2000;

export class Panels {
  readonly #options: PanelOptions;
  readonly #cards = new Map<string, PanelCard>();
  #asking = false;
  #askedAt = -Infinity;

  constructor(options: PanelOptions) {
    this.#options = options;
  }

  cards(): readonly PanelCard[] {
    const { panels, parked, now } = this.#options;
    const names = panels().map(({ plugin }) => plugin);
    for (const name of this.#cards.keys()) if (!names.includes(name)) this.#cards.delete(name);
    if (!this.#asking && now() - this.#askedAt >= REST_MILLISECONDS) void this.#ask();
    const gone = parked().map(({ plugin, error }) => ({ plugin, content: null, error: `parked: ${error}` }));
    return [...names.map((plugin) => this.#cards.get(plugin) ?? { plugin, content: null, error: null }), ...gone];
  }

  async #ask(): Promise<void> {
    const { panels, seconds, stop, now } = this.#options;
    this.#asking = true;
    await Promise.all(
      panels().map(async (panel) => {
        const { plugin } = panel;
        try {
          const content = await panel.perform({ ...drawing({ pluginSeconds: seconds }), signal: stop, once: true });
          this.#cards.set(plugin, { plugin, content, error: null });
        } catch (error) {
          if (error instanceof CancelledError) return;
          this.#cards.set(plugin, {
            plugin,
            content: null,
            error: error instanceof Error ? error.message : String(error),
          });
        }
      }),
    );
    this.#asking = false;
    this.#askedAt = now();
  }
}
