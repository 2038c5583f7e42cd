export interface Room {
  readonly holds: string;
  /** Rooms above this one in the table, or files of one. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

export interface Exception {
  readonly file: string;
  readonly imports: readonly string[];
  readonly why: string;
}

export declare const ROOMS: Readonly<Record<string, Room>>;
export declare const EXCEPTIONS: readonly Exception[];
