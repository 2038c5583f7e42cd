/**
 * Accepts a page's WebSocket or refuses it with a reason: it checks the token first, then the request's origin.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AccessControl } from './access.ts';
import { LONGEST_FRAME } from './connection.ts';
import { guarded, type Tell } from './guard.ts';
import type { Hub } from './hub.ts';
import { FAILED } from './responses.ts';
import type { Visitors } from './visitors.ts';

const SOCKET_PATH = '/ws';

export interface SocketDoor {
  readonly access: AccessControl;
  readonly hub: Hub;
  readonly visitors: Visitors;
  readonly port: () => number;
  readonly maxClients: number;
  readonly tell: Tell;
}

export function acceptSockets(
  server: Server,
  { access, hub, visitors, port, maxClients, tell }: SocketDoor,
): WebSocketServer {
  // Compression would cost the loop's process more than it saves on a loopback. ws accepts frames up to four times the
  // limit, so that the daemon itself explains why a frame is too long.
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 4 * LONGEST_FRAME,
    maxFragments: 16,
    perMessageDeflate: false,
    clientTracking: false,
  });
  sockets.on('error', tell);
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?')[0] !== SOCKET_PATH) return turnAway(socket, 404, 'there is nothing here');
    const decision = access.decide(request, port());
    if ('refused' in decision) return turnAway(socket, decision.refused, decision.why);
    const wrong = access.wrongHost(request) ?? access.wrongOrigin(request);
    if (wrong !== undefined) return turnAway(socket, 403, wrong);
    if (hub.statistics.clients >= maxClients)
      return turnAway(socket, 503, `${maxClients} pages are open already (dashboard.maxClients)`);
    const author = `the dashboard at ${request.socket.remoteAddress ?? 'an unknown address'}`;
    const join = guarded(
      tell,
      (webSocket: WebSocket) => {
        visitors.leave(request.socket);
        hub.join(webSocket, { access: decision.access, author });
      },
      (webSocket) => webSocket.terminate(),
    );
    sockets.handleUpgrade(request, socket, head, join);
  };
  server.on(
    'upgrade',
    guarded(tell, upgrade, (_, socket) => turnAway(socket, 500, FAILED)),
  );
  return sockets;
}

export function turnAway(socket: Duplex, status: number, why: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${why}\n`;
  const head = `HTTP/1.1 ${status} \r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  socket.once('finish', () => socket.destroy()).end(head + body);
}
