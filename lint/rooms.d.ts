export interface Room {
  readonly holds: string;
  /** Rooms above this one in the table, or files of one. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

export declare const ROOMS: Readonly<Record<string, Room>>;
