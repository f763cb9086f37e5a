/** What an interview is made of: rows that bear answers, slots that hold them, and how it is begun. */

import type { InstanceItem, Value } from "./definition";
import type { Clock, XNode } from "./expressions";
import type { SchemaNode } from "./schema";

export type Answers = { [name: string]: Value | Answers | Answers[] };

/** The form itself, or one row of a repeat: what bears answers. */
export interface Row extends XNode {
  readonly id: string;
  readonly repeat: SchemaNode | null;
  /** From the root to this row. */
  readonly chain: readonly Row[];
  readonly address: string;
  readonly slots: Map<string, Slot>;
  readonly rows: Map<string, Row[]>;
  readonly spare: Map<string, Row[]>;
}

/** One question, group or repeat in one row. */
export interface Slot extends XNode {
  value: Value;
  readonly node: SchemaNode;
  readonly row: Row;
  readonly address: string;
  isRelevant: boolean;
}

export interface Options {
  instances?: Record<string, InstanceItem[]>;
  clock?: () => Clock;
  language?: string;
  deviceId?: string;
  username?: string;
  /** A tree of answers to begin with: then nothing is preset and no first-load action runs. */
  answers?: Answers;
}

export const MAX_ROWS = 1000;
export const isTree = (value: unknown): value is Answers => typeof value === "object" && value !== null && !Array.isArray(value);

/** Rows that a count makes are numbered, so that the phone and the server give them the same ids. */
export function freeId(rows: readonly Row[]): string {
  let place = rows.length + 1;
  while (rows.some((row) => row.id === String(place))) place += 1;
  return String(place);
}

export function deviceClock(): Clock {
  const now = new Date();
  return { now: now.getTime(), offset: -now.getTimezoneOffset() };
}
