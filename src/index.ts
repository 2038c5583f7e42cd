/** What plug-ins and configuration files import from 'quorum'. */
export { defineConfig, type Config, type ConfigInput } from './config/schema.ts';
export { API_VERSION, definePlugin, type OpenPort, type PluginDefinition, type PortContext } from './plugin/define.ts';
export type * from './protocol/messages.ts';
export type * from './protocol/ports.ts';
