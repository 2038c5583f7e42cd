/**
 * The boundary of a plug-in: what it throws becomes a PluginError that names it, and what it returns is checked before
 * the loop sees it. A bad reply is a failure of the plug-in like any other: its actor is restarted, and in the end
 * parked.
 */
import { CancelledError, InputError, PluginError, UnsoundStepError } from '../protocol/errors.ts';
import type { PortName, Ports } from '../protocol/ports.ts';
import type { Services } from './load.ts';
import { PORT_TABLE, type PortRow } from './port-table.ts';

type AnyPort = (request: unknown, signal: AbortSignal) => unknown;

/** The same opener for a plug-in that is not trusted. */
export function guarded<Name extends PortName>(
  plugin: string,
  port: Name,
  open: (services: Services<Name>) => Promise<Ports[Name]>,
): (services: Services<Name>) => Promise<Ports[Name]> {
  const row: PortRow = PORT_TABLE[port];
  const failed = (doing: string, cause: unknown): Error => {
    if (cause instanceof PluginError) return cause;
    return new PluginError(
      `plug-in ${plugin}, port "${port}": ${doing}${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  };
  return async (services) => {
    const opened = await open(services).catch((error: unknown) => {
      throw failed('it could not be opened: ', error);
    });
    const call = opened as unknown as AnyPort;
    const checked: AnyPort = async (request, signal) => {
      const actual = row.hasRequest ? signal : (request as AbortSignal);
      let reply: unknown;
      try {
        reply = await call(request, signal);
      } catch (error) {
        if (actual.aborted) throw new CancelledError(`plug-in ${plugin}, port "${port}": cancelled`);
        // A sampler may refuse a question: the group is then empty, and no actor is to blame.
        if (port === 'sample' && error instanceof Error && error.name === 'InputError')
          throw new InputError(error.message);
        // A learner that wraps ours: the step is to blame.
        if (port === 'learn' && error instanceof UnsoundStepError) throw error;
        throw failed('', error);
      }
      const wrong = row.wrong(reply, request as never, services.limits);
      if (wrong === undefined) return row.storable ? row.storable(reply as never) : reply;
      throw failed('its reply is not what the port asks for: ', wrong);
    };
    return checked as unknown as Ports[Name];
  };
}
