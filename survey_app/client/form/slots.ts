/** What an interview is made of: rows that bear answers, slots that hold them, and how it is begun. */

import type { InstanceItem, Question, Value } from "./definition";
import type { Clock, XNode } from "./expressions";
import type { SchemaNode } from "./schema";
import { fits, read, truncated } from "./values";

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
  isGone: boolean;
}

/** One question, group or repeat in one row. */
export interface Slot extends XNode {
  /** What counts: what expressions see. */
  value: Value;
  /** What came, where not all of it counts. */
  given: Value;
  /** Why it does not; then what came stays in the answers. */
  flag: "" | "wrong_type" | "unknown_choice";
  /** It came with answers that were sent, not from hands that are at work. */
  isReceived: boolean;
  readonly node: SchemaNode;
  readonly row: Row;
  readonly address: string;
  isRelevant: boolean;
}

export interface Options {
  instances?: Record<string, InstanceItem[]>;
  clock?: () => Clock;
  language?: string;
  /** What the device and account say of themselves: deviceid, username, email, phonenumber. */
  metadata?: Record<string, string>;
  /** A tree of answers to begin with: then nothing is preset and no first-load action runs. */
  answers?: Answers;
  /** Somebody goes on with answers that were saved: actions of every load run. */
  resumes?: boolean;
}

/** Rows of one repeat in one place, nodes of an interview, and looks at one node before it counts as restless. */
export const MAX_ROWS = 1000;
export const MAX_NODES = 25_000;
export const ROUNDS = 100;

export const isTree = (value: unknown): value is Answers => typeof value === "object" && value !== null && !Array.isArray(value);

/** The answer as it came: what is stored, and what comes back. */
export const kept = (slot: Slot): Value => slot.given ?? slot.value;
/** The answer as it leaves: what counts, or what came when that is flagged. */
export const sent = (slot: Slot): Value => (slot.flag ? slot.given : slot.value);
export const rowsOf = (slot: Slot): Row[] => slot.row.rows.get(slot.node.path) ?? [];

/** Takes an answer as it comes: what does not fit its type is kept and flagged, and counts as blank. */
export function put(slot: Slot, value: Value): void {
  const question = slot.node.item as Question;
  const came = typeof value === "string" ? value.normalize() : value; // keyboards write the same letter in two ways
  const next = read(question, came);
  const isFit = next === null || fits(question, next);
  slot.given = isFit ? null : came;
  slot.flag = isFit ? "" : "wrong_type";
  slot.value = isFit ? next : question.type === "integer" ? truncated(next) : null;
}

/** Rows that a count makes are numbered, so that the phone and the server give them the same ids. */
export function freeId(rows: readonly Row[], known: ReadonlySet<string> = new Set(rows.map((row) => row.id))): string {
  let place = rows.length + 1;
  while (known.has(String(place))) place += 1;
  return String(place);
}

export function deviceClock(): Clock {
  const now = new Date();
  return { now: now.getTime(), offset: -now.getTimezoneOffset() };
}
