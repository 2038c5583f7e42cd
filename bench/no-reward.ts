/** A reward that leaves every group to the next one. */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({ name: 'no-reward', apiVersion: API_VERSION, ports: { reward: () => () => undefined } });
