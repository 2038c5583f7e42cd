/** What plug-ins and configuration files import from 'quorum'. Light on purpose: it loads no actor, stream or tensor. */
export { defineConfig, type Config, type ConfigInput } from './config/schema.ts';
export { extractAnswer } from './learn/answer.ts';
export { makeFolder } from './lib/make-folder.ts';
export { API_VERSION, definePlugin, type OpenPort, type PluginDefinition, type PortContext, type RunQuestions } from './plugin/define.ts';
export { openPort } from './plugin/open-port.ts';
export * from './protocol/errors.ts';
export type * from './protocol/messages.ts';
export type * from './protocol/ports.ts';
