/** Public API: what a plug-in, a `quorum.config.ts` or a program that embeds the daemon imports. */
export { defineConfig, type Config, type ConfigInput } from './config/schema.ts';
export { startDaemon, type DaemonHandle, type DaemonHooks } from './daemon.ts';
export { API_VERSION, definePlugin, type PluginDefinition, type PortContext } from './plugin/define.ts';
export type { Policy } from './policy/policy.ts';
export * from './protocol/errors.ts';
export type * from './protocol/messages.ts';
export type * from './protocol/ports.ts';
export type * from './protocol/status.ts';
