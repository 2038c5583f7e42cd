/** The configuration as it may be written down. */
import type { Config } from './schema.ts';

/** Without what lets somebody in. */
export function withoutSecrets<C extends Pick<Config, 'dashboard'>>(config: C): C {
  const { viewToken: _, controlToken: __, ...dashboard } = config.dashboard;
  return { ...config, dashboard };
}

/** Whether the value of this key must not be shown, not even in a complaint about it. */
export function isSecretKey(path: string): boolean {
  return path === 'dashboard.viewToken' || path === 'dashboard.controlToken';
}
