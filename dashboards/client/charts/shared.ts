/** The charts' board outlives the page, so that returning to the page shows everything at once. */
import { connection } from '../session.ts';
import { Board } from './board.ts';

export const board = new Board(connection);
