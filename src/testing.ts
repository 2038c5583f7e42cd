/** What the tests of a plug-in import from 'quorum/testing'. */
export { testPlugin, type Call, type Played, type PluginKit, type Reply, type TestOptions } from './testing/kit.ts';
export { recorded, type Recorded, type RequestOf } from './testing/recorded.ts';
export type { Replies } from './testing/stand-ins.ts';
