/** The charts' board outlives the page that shows it: to come back to the page is to see everything at once. */
import { connection } from '../session.ts';
import { Board } from './board.ts';

export const board = new Board(connection);
