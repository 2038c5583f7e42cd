/** A reward plug-in that passes every group on to the next reward. */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({ name: 'no-reward', apiVersion: API_VERSION, ports: { reward: () => () => undefined } });
