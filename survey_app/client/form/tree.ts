/** The answers of one interview as a tree that keeps itself right after every change. The twin of forms/tree.py. */

import type { Action, Ast, Definition, InstanceItem, Question, Text, Value } from "./definition";
import { STEPS, TooMuchWork, evaluate, scalar, toBoolean, toNumber, type Clock, type Context, type Result } from "./expressions";
import { uuid } from "./functions";
import { isoDate, isoDateTime } from "./dates";
import { Offers } from "./offers";
import { prepare, type Dependent, type Schema, type SchemaNode } from "./schema";
import {
  MAX_NODES, MAX_ROWS, ROUNDS, deviceClock, freeId, isTree, put, rowsOf, type Answers, type Options, type Row, type Slot,
} from "./slots";
import { inner } from "./walking";
import { stored } from "./values";

const MANY_TRIGGERS = 20; // a chain of triggers longer than this runs in a circle

export abstract class AnswerTree {
  readonly schema: Schema;
  readonly language: string;
  readonly version: string;
  readonly clock: () => Clock;
  readonly instances: Record<string, InstanceItem[]>;
  readonly root: Row;
  readonly work = { left: STEPS };
  readonly offers: Offers;
  /** Where a form asked for more work than it may. */
  readonly strays: { code: string; where: string }[] = [];
  /** Nodes looked at since the last change began. */
  settled = 0;
  protected readonly slots = new Map<string, Slot>();
  protected touched = new Set<string>();
  private readonly options: Options;
  private readonly queue: (Set<Slot> | undefined)[] = [];
  private lowest = Infinity;
  private waiting = 0;
  private rounds = new Map<Slot, number>();
  private newborn: Row[] = [];
  private readonly missing: Slot[] = [];
  private size = 0;
  private isFiring = false;
  protected isSharing = false;
  /** It opens, and nothing settled so far was woken again: all that comes later waits. */
  private isStraight = true;
  /** The rank of what is being settled. */
  private rank = 0;
  private isLoading = true;

  constructor(definition: Definition | Schema, options: Options = {}) {
    this.schema = "byPath" in definition ? definition : prepare(definition);
    this.options = options;
    this.language = options.language ?? this.schema.definition.languages[0] ?? "";
    this.version = this.schema.definition.version;
    this.clock = options.clock ?? deviceClock;
    this.instances = { ...this.schema.definition.instances, ...options.instances };
    this.offers = new Offers(this);
    this.root = newRow("", null, null, "");
  }

  abstract context(slot: Slot): Context<Row>;
  abstract text(text: Text | undefined, address?: string): string;

  get definition(): Definition {
    return this.schema.definition;
  }

  // -- opening ----------------------------------------------------------------------------------------------------------

  /** Begins; called once, when the whole object stands. */
  protected open(): void {
    const { answers = null, resumes } = this.options;
    this.fill(this.root, this.schema.top, answers, null);
    this.run();
    this.isLoading = this.isStraight = false;
    // It was hidden when the answers were sent: as it would begin when it is asked.
    for (const slot of this.missing) if (!slot.isRelevant) put(slot, (slot.node.item as Question).default ?? null);
    if (!answers) this.fire("odk-instance-first-load", this.root);
    if (!answers || resumes) {
      this.fire("odk-instance-load", this.root);
      this.run();
    }
    this.newborn = [];
    this.touched = new Set();
  }

  /** Makes a row's slots: with `answers` that came, else as the form begins them, `start` over its defaults. */
  private fill(row: Row, nodes: readonly SchemaNode[], answers: Answers | null, start: Answers | null): void {
    this.size += nodes.length;
    for (const node of nodes) {
      const slot = this.makeSlot(node, row);
      const { name, kind } = node.item;
      const given = answers?.[name];
      const begun = start?.[name];
      if (kind === "question") this.fillLeaf(slot, node.item, answers, given, begun as Value | undefined);
      else if (kind === "repeat") this.fillRows(slot, answers, given, begun);
      else this.fill(row, node.children, answers && (isTree(given) ? given : {}), isTree(begun) ? begun : null);
    }
  }

  private makeSlot(node: SchemaNode, row: Row): Slot {
    const within = row.repeat ? node.path.slice(row.repeat.path.length) : node.path;
    const slot: Slot = { value: null, given: null, flag: "", isReceived: false, node, row, address: row.address + within, isRelevant: false };
    if (node.item.kind === "group") Object.assign(slot, { inner: () => inner(slot) });
    if (node.item.kind === "repeat") row.rows.set(node.path, []);
    row.slots.set(node.path, slot);
    this.slots.set(slot.address, slot);
    this.enqueue(slot);
    return slot;
  }

  private fillLeaf(slot: Slot, question: Question, answers: Answers | null, given: unknown, begun: Value | undefined): void {
    if (!answers) {
      slot.value = begun === undefined ? this.initial(question) : stored(question, begun);
      return;
    }
    const value = typeof given === "string" || typeof given === "number" ? given : null;
    put(slot, value);
    slot.isReceived = value !== null;
    if (value === null && question.default !== undefined && !(question.name in answers)) this.missing.push(slot);
  }

  private fillRows(slot: Slot, answers: Answers | null, given: unknown, begun: unknown): void {
    if (!answers) {
      const first = begun ?? (slot.node.item as { first?: Answers[] }).first ?? [];
      for (const tree of first as Answers[]) this.makeRow(slot, freeId(rowsOf(slot)), null, tree);
      return;
    }
    const known = new Set<string>();
    for (const [place, tree] of (Array.isArray(given) ? (given as unknown[]) : []).slice(0, MAX_ROWS).entries()) {
      const row = isTree(tree) ? tree : {};
      const { _id: own } = row;
      const isGood = typeof own === "string" && own !== "" && !own.includes("/") && own.length <= 64 && !known.has(own);
      const id = isGood ? own : known.has(String(place + 1)) ? uuid() : String(place + 1);
      known.add(id);
      this.makeRow(slot, id, row, null);
    }
  }

  private initial(question: Question): Value {
    const { now, offset } = this.clock();
    if (question.type === "start") return isoDateTime(now, offset);
    if (question.type === "today") return isoDate((now + offset * 60_000) / 86_400_000);
    const known = this.options.metadata?.[question.type];
    return known ?? (question.default === undefined ? null : stored(question, question.default));
  }

  /** Puts saved values and rows over the fresh interview; nothing is triggered. */
  load(values: Record<string, Value>, rows: Record<string, string[]>): void {
    this.begin();
    this.isLoading = true;
    for (const address of Object.keys(rows).sort((a, b) => a.length - b.length)) {
      const slot = this.slots.get(address);
      if (slot?.node.item.kind === "repeat") this.loadRows(slot, rows[address] ?? []);
    }
    for (const [address, value] of Object.entries(values)) {
      const slot = this.slots.get(address);
      if (slot?.node.item.kind !== "question") continue;
      put(slot, value);
      this.wake(slot);
      this.enqueue(slot);
    }
    this.run();
    this.newborn = [];
    this.isLoading = false;
    this.touched = new Set();
  }

  private loadRows(slot: Slot, ids: string[]): void {
    const known = new Set(rowsOf(slot).map((row) => row.id));
    const since = known.size;
    for (const id of ids.slice(0, MAX_ROWS)) if (!known.has(id) && !id.includes("/") && this.hasRoom(slot)) this.makeRow(slot, id, null, null);
    this.rowsChanged(slot, since);
  }

  // -- repeats ------------------------------------------------------------------------------------------------------------

  addRow(address: string, id: string = uuid()): string {
    this.begin();
    const slot = this.slots.get(address);
    if (slot?.node.item.kind !== "repeat") return id;
    const rows = rowsOf(slot);
    if (!this.hasRoom(slot) || rows.some((row) => row.id === id)) return id;
    this.newborn.push(this.makeRow(slot, id, null, null));
    this.rowsChanged(slot, rows.length - 1);
    this.run();
    return id;
  }

  removeRow(address: string, id: string): void {
    this.begin();
    const slot = this.slots.get(address);
    const rows = slot ? rowsOf(slot) : [];
    const at = rows.findIndex((row) => row.id === id);
    const [row] = at < 0 ? [] : rows.splice(at, 1);
    if (!slot || !row) return;
    this.forget(row);
    this.rowsChanged(slot, at);
    this.run();
  }

  private hasRoom(slot: Slot): boolean {
    return rowsOf(slot).length < MAX_ROWS && this.size + slot.node.size <= MAX_NODES;
  }

  private makeRow(slot: Slot, id: string, answers: Answers | null, start: Answers | null): Row {
    const row = newRow(id, slot.node, slot.row, `${slot.address}/${id}`);
    rowsOf(slot).push(row);
    this.fill(row, slot.node.children, answers, start);
    return row;
  }

  private forget(row: Row): void {
    row.isGone = true;
    this.size -= row.slots.size;
    for (const slot of row.slots.values()) {
      this.slots.delete(slot.address);
      this.touched.delete(slot.address);
    }
    for (const rows of row.rows.values()) rows.forEach((child) => { this.forget(child); });
  }

  private revive(row: Row): void {
    row.isGone = false;
    this.size += row.slots.size;
    for (const slot of row.slots.values()) {
      this.slots.set(slot.address, slot);
      this.enqueue(slot);
    }
    for (const rows of row.rows.values()) rows.forEach((child) => { this.revive(child); });
  }

  /** Everybody who counts or sums rows hears of one that came or went; of those who look at their own row only the
   *  ones whose place is another now, from `since` on, and only when they look at the place. */
  private rowsChanged(slot: Slot, since: number): void {
    this.touched.add(slot.address);
    const own = slot.node.repeats.length;
    const later = rowsOf(slot).slice(since);
    const look = (node: SchemaNode): void => {
      for (const dependent of node.dependents) {
        if (dependent.isChild) continue;
        if (dependent.pinned <= own) this.wakeOne(dependent, slot.row, dependent.pinned);
        else if (node === slot.node) for (const row of later) this.wakeOne(dependent, row, own + 1);
      }
      node.children.forEach(look);
    };
    look(slot.node);
  }

  /** As many rows as the form counts; a count that is no number leaves them as they are. */
  private countRows(slot: Slot, count: Ast): void {
    const number = toNumber(this.evaluate(count, slot));
    if (Number.isNaN(number)) return;
    const wanted = Math.floor(Math.min(MAX_ROWS, Math.max(0, number)));
    const rows = rowsOf(slot);
    const before = rows.length;
    const spare = slot.row.spare.get(slot.node.path) ?? [];
    slot.row.spare.set(slot.node.path, spare);
    while (rows.length > wanted) {
      const row = rows.pop() as Row;
      this.forget(row);
      spare.push(row);
    }
    const known = new Set(rows.length < wanted ? [...rows, ...spare].map((row) => row.id) : []);
    while (rows.length < wanted && this.hasRoom(slot)) {
      const row = spare.pop() ?? this.makeRow(slot, freeId(rows, known), null, null);
      if (row.isGone) {
        rows.push(row);
        this.revive(row);
      } else {
        known.add(row.id);
        this.newborn.push(row);
      }
    }
    if (rows.length !== before) this.rowsChanged(slot, before);
  }

  // -- events -------------------------------------------------------------------------------------------------------------

  protected begin(): void {
    this.touched = new Set();
    this.settled = 0;
    this.rounds = new Map();
    this.work.left = STEPS;
  }

  protected assign(slot: Slot, value: Value, depth: number): void {
    this.touched.add(slot.address);
    const { value: was, given: came } = slot;
    put(slot, value);
    slot.isReceived = false;
    if (slot.node.isListed) this.offers.narrow(slot);
    if (slot.value === was && slot.given === came) return;
    this.wake(slot);
    this.run();
    if (depth >= MANY_TRIGGERS) return;
    for (const { node, action } of this.schema.triggers.get(slot.node.path) ?? []) {
      for (const target of this.targets(node, action, slot)) this.act(target, action, depth + 1);
    }
  }

  private act(slot: Slot, action: Action, depth: number): void {
    const { item } = slot.node;
    if (item.kind === "question") this.assign(slot, stored(item, scalar(this.evaluate(action.expression, slot))), depth);
  }

  /** Where a trigger sets: in the rows it shares with its source, or where the form says. */
  private targets(node: SchemaNode, action: Action, source: Slot): Slot[] {
    if (action.target !== undefined) {
      const found = this.evaluate(action.target, source);
      return Array.isArray(found) ? (found.filter((one) => "node" in one) as Slot[]) : [];
    }
    const { repeats } = source.node;
    let shared = 0;
    while (shared < repeats.length && repeats[shared] === node.repeats[shared]) shared += 1;
    return this.instancesOf(node, source.row, shared);
  }

  private fire(event: string, row: Row): void {
    this.rounds = new Map();
    const above = row.repeat ? `${row.repeat.path}/` : "";
    for (const { node, action } of this.schema.events.get(event) ?? []) {
      if (!node.path.startsWith(above) || node.repeats.length < row.chain.length - 1) continue;
      // What is hidden when its form or row begins is not preset.
      for (const slot of this.instancesOf(node, row, row.chain.length - 1)) if (slot.isRelevant) this.act(slot, action, 1);
    }
  }

  // -- keeping everything right ---------------------------------------------------------------------------------------------

  private enqueue(slot: Slot): void {
    const { rank } = slot.node;
    const known = this.queue[rank];
    if (known?.has(slot)) return;
    if (known) known.add(slot);
    else this.queue[rank] = new Set([slot]);
    this.lowest = Math.min(this.lowest, rank);
    this.waiting += 1;
  }

  private wake(slot: Slot): void {
    this.touched.add(slot.address);
    for (const dependent of slot.node.dependents) {
      if (this.isStraight && (!dependent.isState || dependent.node.rank > slot.node.rank)) continue;
      this.wakeOne(dependent, slot.row, dependent.pinned);
    }
  }

  private wakeOne({ node, isState }: Dependent, row: Row, pinned: number): void {
    if (isState && node.rank <= this.rank) this.isStraight = false;
    for (const slot of this.instancesOf(node, row, pinned)) {
      if (isState) this.enqueue(slot);
      else this.touched.add(slot.address);
    }
  }

  /** Every slot of a node in the rows it shares with `row`, as far down as `shared` repeats. */
  protected instancesOf(node: SchemaNode, row: Row, shared: number): Slot[] {
    const depth = Math.min(shared, row.chain.length - 1, node.repeats.length);
    let rows: Row[] = [row.chain[depth] as Row];
    for (const repeat of node.repeats.slice(depth)) rows = rows.flatMap((outer) => outer.rows.get(repeat.path) ?? []);
    this.spend(rows.length);
    return rows.flatMap((found) => found.slots.get(node.path) ?? []);
  }

  private spend(amount: number): void {
    this.work.left -= amount;
    if (this.work.left < 0) throw new TooMuchWork();
  }

  /** One share of work for everything inside; what a page asks for outside has its own each time. */
  protected shared<T>(run: () => T): T {
    const before = this.isSharing;
    this.isSharing = true;
    try {
      return run();
    } finally {
      this.isSharing = before;
    }
  }

  /** Settles everything that waits, then tells the rows that came what they begin with. */
  private run(): void {
    this.shared(() => { this.drain(); });
    if (this.isFiring || this.isLoading) return;
    this.isFiring = true;
    for (let row = this.newborn.shift(); row; row = this.newborn.shift()) if (!row.isGone) this.fire("odk-new-repeat", row);
    this.isFiring = false;
  }

  /** Lowest rank first; a form that goes in circles stops at its limit of work. */
  private drain(): void {
    while (this.waiting) {
      let slots = this.queue[this.lowest];
      while (!slots) slots = this.queue[++this.lowest];
      this.queue[this.lowest] = undefined;
      this.waiting -= slots.size;
      this.lowest += 1;
      for (const slot of slots) {
        if (slot.row.isGone) continue;
        try {
          this.settle(slot);
        } catch (error) {
          if (!isExhaustion(error)) throw error;
          this.giveUp(slot, slots);
          return;
        }
      }
    }
    this.lowest = Infinity;
  }

  /** A form asked for too much work: what still waits counts as asked, so that no answer is lost. */
  private giveUp(slot: Slot, slots: Set<Slot>): void {
    for (const waiting of [slots, ...this.queue]) for (const one of waiting ?? []) one.isRelevant = true;
    this.queue.length = 0;
    this.waiting = 0;
    this.lowest = Infinity;
    this.newborn = [];
    this.strays.push({ code: "too_much_work", where: slot.address });
  }

  private settle(slot: Slot): void {
    const { node, value: before } = slot;
    const { item } = node;
    this.rank = node.rank;
    this.settled += 1;
    this.spend(1);
    if (node.looksBack) this.countRound(slot);
    const wasRelevant = slot.isRelevant;
    slot.isRelevant = this.isParentRelevant(slot) && (item.relevant === undefined || toBoolean(this.evaluate(item.relevant, slot)));
    if (slot.isRelevant && item.kind === "question") this.compute(slot, item);
    if ((wasRelevant !== slot.isRelevant || before !== slot.value) && (node.looksBack || !this.isStraight)) this.wake(slot);
    if (slot.isRelevant && item.kind === "repeat" && item.count !== undefined) this.countRows(slot, item.count);
  }

  private compute(slot: Slot, item: Question): void {
    if (item.calculation !== undefined) {
      if (this.isLoading && slot.node.isVolatile && slot.value !== null) return;
      [slot.given, slot.flag] = [null, ""];
      slot.value = stored(item, scalar(this.evaluate(item.calculation, slot)));
    } else if (slot.node.isListed && ((item.choice_filter ?? item.itemset) !== undefined || this.isLoading)) this.offers.narrow(slot);
  }

  private countRound(slot: Slot): void {
    const rounds = (this.rounds.get(slot) ?? 0) + 1;
    this.rounds.set(slot, rounds);
    if (rounds > ROUNDS) throw new TooMuchWork();
  }

  private isParentRelevant(slot: Slot): boolean {
    const { parent } = slot.node;
    if (!parent) return true;
    const row = parent === slot.row.repeat ? slot.row.chain[slot.row.chain.length - 2] : slot.row;
    return row?.slots.get(parent.path)?.isRelevant ?? false;
  }

  protected evaluate(tree: Ast, slot: Slot): Result {
    return evaluate(tree, this.context(slot));
  }
}

/** Work or depth beyond any bound. */
export const isExhaustion = (error: unknown): boolean => error instanceof TooMuchWork || error instanceof RangeError;

function newRow(id: string, repeat: SchemaNode | null, parent: Row | null, address: string): Row {
  const chain: Row[] = parent ? [...parent.chain] : [];
  const row: Row = {
    value: null, inner: () => inner(row), id, repeat, chain, address, slots: new Map(), rows: new Map(), spare: new Map(), isGone: false,
  };
  chain.push(row);
  return row;
}
