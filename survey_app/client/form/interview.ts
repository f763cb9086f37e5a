/** One interview: answers, relevance, calculations, repeats and what is wrong. The twin of forms/answers.py. */

import type { Ast, Choice, Definition, InstanceItem, Issue, Question, Text, Value } from "./definition";
import { evaluate, toBoolean, toNumber, toText, scalar, type Clock, type Context, type Host, type Result, type XNode } from "./expressions";
import { shuffled, uuid } from "./functions";
import { isoDate, isoDateTime } from "./dates";
import { prepare, type Schema, type SchemaNode } from "./schema";
import { MAX_ROWS, deviceClock, freeId, isTree, type Answers, type Options, type Row, type Slot } from "./slots";
import { isBlank, read, stored, typeIssue } from "./values";

export class Interview implements Host<Row> {
  readonly schema: Schema;
  readonly language: string;
  readonly version: string;
  readonly clock: () => Clock;
  readonly root: Row;
  private readonly instances: Record<string, InstanceItem[]>;
  private readonly options: Options;
  private readonly slots = new Map<string, Slot>();
  private readonly queue = new Map<number, Set<Slot>>();
  private touched = new Set<string>();
  private isLoading = false;
  private isOpening: boolean;
  /** Figures of the scores sheet that later rules may name, while they are computed. */
  private readonly derived = new Map<string, Map<Row, Value>>();

  constructor(definition: Definition | Schema, options: Options = {}) {
    this.schema = "byPath" in definition ? definition : prepare(definition);
    this.options = options;
    this.language = options.language ?? this.schema.definition.languages[0] ?? "";
    this.version = this.schema.definition.version;
    this.clock = options.clock ?? deviceClock;
    this.instances = { ...this.schema.definition.instances, ...options.instances };
    this.isOpening = true;
    this.root = this.makeRow("", null, null, "");
    if (options.answers) this.fill(this.schema.top, this.root, options.answers);
    this.run();
    this.isOpening = false;
    if (!options.answers) this.fire(this.root, "odk-instance-first-load");
    this.touched = new Set();
  }

  get definition(): Definition {
    return this.schema.definition;
  }

  // -- answers in and out ---------------------------------------------------------------------------------------------

  /** Puts saved values and rows over the fresh interview; nothing is triggered. */
  load(values: Record<string, Value>, rows: Record<string, string[]>): void {
    this.isLoading = true;
    for (const address of Object.keys(rows).sort((a, b) => a.length - b.length)) {
      const slot = this.slots.get(address);
      if (slot?.node.item.kind !== "repeat") continue;
      const known = new Set(this.rows(address));
      for (const id of rows[address] ?? []) if (!known.has(id)) this.addRow(address, id);
    }
    for (const [address, value] of Object.entries(values)) {
      const slot = this.slots.get(address);
      if (this.put(slot, value) && slot) this.enqueue(slot);
    }
    this.run();
    this.isLoading = false;
    this.touched = new Set();
  }

  private fill(nodes: SchemaNode[], row: Row, answers: Answers): void {
    for (const node of nodes) {
      const given = answers[node.item.name];
      const slot = row.slots.get(node.path);
      if (!slot) continue;
      if (node.item.kind === "question") slot.value = typeof given === "object" ? null : read(node.item, given ?? null);
      else if (node.item.kind === "group") this.fill(node.children, row, isTree(given) ? given : {});
      else this.fillRows(slot, Array.isArray(given) ? given : []);
    }
  }

  private fillRows(slot: Slot, given: Answers[]): void {
    const rows = slot.row.rows.get(slot.node.path) ?? [];
    for (const [place, tree] of given.slice(0, MAX_ROWS).entries()) {
      const id = typeof tree._id === "string" && tree._id && !rows.some((row) => row.id === tree._id) ? tree._id : String(place + 1);
      const row = this.makeRow(id, slot.node, slot.row, `${slot.address}/${id}`);
      rows.push(row);
      this.fill(slot.node.children, row, tree);
    }
  }

  /** Takes an answer; wrong ones are kept as they came and flagged. */
  set(address: string, value: Value): void {
    this.touched = new Set();
    const slot = this.slots.get(address);
    if (slot) this.assign(slot, value, 0);
  }

  value(address: string): Value {
    return this.slots.get(address)?.value ?? null;
  }

  /** Addresses that the last change may have altered: value, relevance, texts, choices or rules. */
  changed(): Set<string> {
    return this.touched;
  }

  get answers(): Answers {
    return this.tree(this.schema.top, this.root);
  }

  get allValues(): Record<string, Value> {
    const values: Record<string, Value> = {};
    for (const slot of this.slots.values()) {
      if (slot.node.item.kind === "question" && slot.value !== null) values[slot.address] = slot.value;
    }
    return values;
  }

  private tree(nodes: SchemaNode[], row: Row): Answers {
    const out: Answers = {};
    for (const node of nodes) {
      const slot = row.slots.get(node.path);
      if (!slot?.isRelevant) continue;
      const { item } = node;
      if (item.kind === "group") out[item.name] = this.tree(node.children, row);
      else if (item.kind === "question") {
        if (item.type !== "note") out[item.name] = slot.value;
      } else {
        out[item.name] = (row.rows.get(node.path) ?? []).map((child) => ({ _id: child.id, ...this.tree(node.children, child) }));
      }
    }
    return out;
  }

  // -- what a page asks about a question --------------------------------------------------------------------------------

  slot(address: string): Slot | undefined {
    return this.slots.get(address);
  }

  question(address: string): Question | undefined {
    const item = this.slots.get(address)?.node.item;
    return item?.kind === "question" ? item : undefined;
  }

  isRelevant(address: string): boolean {
    return this.slots.get(address)?.isRelevant ?? false;
  }

  isRequired(address: string): boolean {
    const slot = this.slots.get(address);
    const tree = slot && slot.node.item.kind === "question" ? slot.node.item.required : undefined;
    return slot !== undefined && tree !== undefined && toBoolean(this.evaluate(tree, slot));
  }

  isReadOnly(address: string): boolean {
    const slot = this.slots.get(address);
    if (!slot) return false;
    if (slot.node.item.kind === "question" && slot.node.item.calculation !== undefined) return true;
    for (let node: SchemaNode | null = slot.node; node; node = node.parent) {
      const { read_only: rule } = node.item;
      if (rule !== undefined && toBoolean(this.evaluate(rule, slot))) return true;
    }
    return false;
  }

  /** The choices on offer, by the choice filter and the other answers. */
  choices(address: string): Choice[] {
    const slot = this.slots.get(address);
    const item = slot?.node.item;
    if (!slot || item?.kind !== "question" || !item.choices) return [];
    const all = this.allChoices(item);
    const { choice_filter: filter } = item;
    const offered = filter === undefined ? all : all.filter((choice) => this.isOffered(choice, filter, slot));
    const { randomize, seed } = item.parameters ?? {};
    return randomize === "true" ? shuffled(offered, seed ? Number(seed) : undefined) : offered;
  }

  allChoices(item: Question): Choice[] {
    const list = this.definition.choice_lists?.[item.choices ?? ""];
    if (list) return list;
    const { value = "name", label = "label" } = item.parameters ?? {};
    const id = item.choices ?? "";
    return (this.instances[id.replace(/\.csv$/, "")] ?? this.instances[id] ?? []).map((row) => ({ name: row[value] ?? "", label: row[label] ?? row[value] ?? "", extra: row }));
  }

  private isOffered(choice: Choice, filter: Ast, slot: Slot): boolean {
    const item = { ...choice.extra, name: choice.name, label: this.text(choice.label) };
    return toBoolean(evaluate(filter, { ...this.context(slot), item: { value: null, item } }));
  }

  /** A text with its references filled in, as seen from an address. */
  text(text: Text | undefined, address = ""): string {
    if (text === undefined || typeof text === "string") return text ?? "";
    if (!Array.isArray(text)) return this.text(text[this.language] ?? Object.values(text)[0], address);
    const slot = this.slots.get(address);
    const context = slot ? this.context(slot) : this.rootContext();
    return text.map((part) => (typeof part === "string" ? part : toText(evaluate(part.x, context)))).join("");
  }

  /** What this interview is called in lists, by the form's own rule. */
  get instanceName(): string {
    const { instance_name: rule } = this.definition;
    return rule === undefined ? "" : toText(evaluate(rule, this.rootContext()));
  }

  unit(address: string): string {
    const slot = this.slots.get(address);
    if (slot?.node.item.kind !== "question") return "";
    const { unit, unit_expression: tree } = slot.node.item;
    return tree === undefined ? this.text(unit, address) : toText(this.evaluate(tree, slot));
  }

  // -- issues -------------------------------------------------------------------------------------------------------------

  /** What is wrong below an address, in the form's order. */
  issues(prefix = ""): Issue[] {
    const found: Issue[] = [];
    this.eachSlot((slot) => {
      if (prefix && slot.address !== prefix && !slot.address.startsWith(`${prefix}/`)) return;
      const issue = this.issue(slot);
      if (issue) found.push(issue);
    });
    return found;
  }

  /** What is wrong with one answer, or null. */
  issueAt(address: string): Issue | null {
    const slot = this.slots.get(address);
    return slot ? this.issue(slot) : null;
  }

  private issue(slot: Slot): Issue | null {
    const { item } = slot.node;
    if (item.kind !== "question" || !slot.isRelevant || item.type === "note") return null;
    const { address } = slot;
    if (isBlank(slot.value)) {
      const isMissing = item.required !== undefined && toBoolean(this.evaluate(item.required, slot));
      return isMissing ? { code: "required", where: address, parameters: {}, ownMessage: this.text(item.required_message, address) } : null;
    }
    const wrong = typeIssue(item, slot.value);
    if (wrong) return { code: "wrong_type", where: address, parameters: wrong, ownMessage: "" };
    const unknown = this.unknownChoice(slot, item);
    if (unknown) return { code: "unknown_choice", where: address, parameters: { value: unknown }, ownMessage: "" };
    if (item.constraint === undefined || toBoolean(this.evaluate(item.constraint, slot))) return null;
    return { code: "constraint", where: address, parameters: {}, ownMessage: this.text(item.constraint_message, address) };
  }

  private unknownChoice(slot: Slot, item: Question): string | null {
    if (!item.choices) return null;
    const names = item.type === "select_one" ? [String(slot.value)] : String(slot.value).split(/\s+/).filter(Boolean);
    const { choices } = slot.node;
    if (choices && item.choice_filter === undefined) return names.find((name) => !choices.has(name)) ?? null;
    const offered = new Set(this.choices(slot.address).map((choice) => choice.name));
    return names.find((name) => !offered.has(name)) ?? null;
  }

  // -- repeats ------------------------------------------------------------------------------------------------------------

  rows(address: string): string[] {
    return this.rowsOf(address).map((row) => row.id);
  }

  private rowsOf(address: string): Row[] {
    const slot = this.slots.get(address);
    return slot?.row.rows.get(slot.node.path) ?? [];
  }

  addRow(address: string, id: string = uuid()): string {
    if (!this.isLoading) this.touched = new Set();
    const slot = this.slots.get(address);
    if (slot?.node.item.kind !== "repeat" || this.rows(address).includes(id)) return id;
    this.insertRow(slot, id);
    if (!this.isLoading) this.run();
    return id;
  }

  removeRow(address: string, id: string): void {
    this.touched = new Set();
    const slot = this.slots.get(address);
    const rows = this.rowsOf(address);
    const at = rows.findIndex((row) => row.id === id);
    const row = rows[at];
    if (!slot || !row) return;
    rows.splice(at, 1);
    this.forget(row);
    this.touchBelow(slot.node, slot.row);
    this.run();
  }

  private insertRow(slot: Slot, id: string): Row {
    const row = this.makeRow(id, slot.node, slot.row, `${slot.address}/${id}`);
    slot.row.rows.get(slot.node.path)?.push(row);
    this.touchBelow(slot.node, slot.row);
    if (this.isOpening) return row;
    this.run();
    this.fire(row, "odk-new-repeat");
    return row;
  }

  private makeRow(id: string, repeat: SchemaNode | null, parent: Row | null, address: string): Row {
    const chain: Row[] = parent ? [...parent.chain] : [];
    const row: Row = { value: null, id, repeat, chain, address, slots: new Map(), rows: new Map(), spare: new Map() };
    chain.push(row);
    for (const node of repeat ? repeat.children : this.schema.top) this.makeSlot(node, row);
    return row;
  }

  private makeSlot(node: SchemaNode, row: Row): void {
    const within = row.repeat ? node.path.slice(row.repeat.path.length) : node.path;
    const slot: Slot = { value: null, node, row, address: row.address + within, isRelevant: false };
    row.slots.set(node.path, slot);
    this.slots.set(slot.address, slot);
    this.enqueue(slot);
    const { item } = node;
    if (item.kind === "group") for (const child of node.children) this.makeSlot(child, row);
    else if (item.kind === "question") slot.value = this.initial(item);
    else row.rows.set(node.path, []);
  }

  private initial(question: Question): Value {
    const { now, offset } = this.clock();
    switch (question.type) {
      case "start":
        return isoDateTime(now, offset);
      case "today":
        return isoDate((now + offset * 60_000) / 86_400_000);
      case "deviceid":
        return this.options.deviceId ?? null;
      case "username":
        return this.options.username ?? null;
    }
    return question.default === undefined ? null : stored(question, question.default);
  }

  private forget(row: Row): void {
    for (const slot of row.slots.values()) {
      this.slots.delete(slot.address);
      this.queue.get(slot.node.rank)?.delete(slot);
    }
    for (const rows of row.rows.values()) rows.forEach((child) => { this.forget(child); });
  }

  /** Everybody who counts or sums over a repeat hears of a row that came or went. */
  private touchBelow(repeat: SchemaNode, row: Row, node: SchemaNode = repeat): void {
    this.wake(node, row.chain, repeat.repeats.length, true, node === repeat ? Infinity : repeat.repeats.length);
    for (const child of node.children) this.touchBelow(repeat, row, child);
  }

  private countRows(slot: Slot, count: Ast): void {
    const wanted = Math.min(MAX_ROWS, Math.max(0, Math.floor(toNumber(this.evaluate(count, slot))) || 0));
    const rows = slot.row.rows.get(slot.node.path) ?? [];
    if (rows.length === wanted) return;
    const spare = slot.row.spare.get(slot.node.path) ?? [];
    slot.row.spare.set(slot.node.path, spare);
    while (rows.length > wanted) {
      const row = rows.pop() as Row;
      spare.push(row);
      this.forget(row);
    }
    while (rows.length < wanted) this.revive(slot, rows, spare);
    this.touched.add(slot.address);
    this.touchBelow(slot.node, slot.row);
  }

  private revive(slot: Slot, rows: Row[], spare: Row[]): void {
    const row = spare.pop();
    if (!row) {
      this.insertRow(slot, freeId(rows));
      return;
    }
    rows.push(row);
    this.remember(row);
  }

  private remember(row: Row): void {
    for (const slot of row.slots.values()) {
      this.slots.set(slot.address, slot);
      this.enqueue(slot);
    }
    for (const rows of row.rows.values()) rows.forEach((child) => { this.remember(child); });
  }

  // -- settling a change ----------------------------------------------------------------------------------------------

  private put(slot: Slot | undefined, value: Value): boolean {
    if (slot?.node.item.kind !== "question") return false;
    const next = read(slot.node.item, value);
    if (slot.value === next) return false;
    slot.value = next;
    this.wakeAll(slot);
    return true;
  }

  private assign(slot: Slot, value: Value, depth: number): void {
    if (!this.put(slot, value)) return;
    this.run();
    if (depth > 20) return;
    for (const { node, action } of this.schema.triggers.get(slot.node.path) ?? []) {
      const shared = node.repeats.filter((repeat, index) => slot.node.repeats[index] === repeat).length;
      for (const target of this.instancesOf(node, slot.row.chain.slice(0, shared + 1))) {
        const item = node.item;
        if (item.kind === "question") this.assign(target, stored(item, scalar(this.evaluate(action.expression, target))), depth + 1);
      }
    }
  }

  private fire(row: Row, event: string): void {
    for (const slot of [...row.slots.values()]) {
      const { item } = slot.node;
      if (item.kind !== "question") continue;
      for (const action of item.actions ?? []) {
        if (action.trigger || !action.event.split(" ").includes(event)) continue;
        this.assign(slot, stored(item, scalar(this.evaluate(action.expression, slot))), 1);
      }
    }
    this.run();
  }

  private enqueue(slot: Slot): void {
    const { rank } = slot.node;
    const waiting = this.queue.get(rank);
    if (waiting) waiting.add(slot);
    else this.queue.set(rank, new Set([slot]));
  }

  private wakeAll(slot: Slot): void {
    this.touched.add(slot.address);
    this.wake(slot.node, slot.row.chain, slot.row.chain.length - 1, false);
  }

  private wake(node: SchemaNode, chain: readonly Row[], depth: number, isStructure: boolean, most = Infinity): void {
    for (const dependent of node.dependents) {
      // Of rows that come and go, what only looks at its own row need not hear.
      if ((isStructure && dependent.isChild) || dependent.pinned > most) continue;
      const shared = Math.min(dependent.pinned, depth, dependent.node.repeats.length);
      for (const slot of this.instancesOf(dependent.node, chain.slice(0, shared + 1))) {
        if (dependent.isState) this.enqueue(slot);
        this.touched.add(slot.address);
      }
    }
  }

  private instancesOf(node: SchemaNode, chain: readonly Row[]): Slot[] {
    let rows: Row[] = [chain[chain.length - 1] as Row];
    for (let depth = chain.length - 1; depth < node.repeats.length; depth += 1) {
      const path = (node.repeats[depth] as SchemaNode).path;
      rows = rows.flatMap((row) => row.rows.get(path) ?? []);
    }
    return rows.flatMap((row) => row.slots.get(node.path) ?? []);
  }

  /** Settles everything that waits, lowest rank first. */
  private run(): void {
    for (let round = 0; this.queue.size && round < 100_000; round += 1) {
      const rank = Math.min(...this.queue.keys());
      const slots = this.queue.get(rank) ?? new Set();
      this.queue.delete(rank);
      for (const slot of slots) if (this.slots.get(slot.address) === slot) this.settle(slot);
    }
    this.queue.clear();
  }

  private settle(slot: Slot): void {
    const { item } = slot.node;
    const wasRelevant = slot.isRelevant;
    slot.isRelevant = this.isParentRelevant(slot) && (item.relevant === undefined || toBoolean(this.evaluate(item.relevant, slot)));
    const before = slot.value;
    if (slot.isRelevant && item.kind === "question" && item.calculation !== undefined) {
      slot.value = stored(item, scalar(this.evaluate(item.calculation, slot)));
    }
    if (wasRelevant !== slot.isRelevant || before !== slot.value) this.wakeAll(slot);
    if (slot.isRelevant && item.kind === "repeat" && item.count !== undefined) this.countRows(slot, item.count);
  }

  private isParentRelevant(slot: Slot): boolean {
    const { parent } = slot.node;
    if (!parent) return true;
    const row = parent === slot.row.repeat ? slot.row.chain[slot.row.chain.length - 2] : slot.row;
    return row?.slots.get(parent.path)?.isRelevant ?? false;
  }

  private eachSlot(visit: (slot: Slot) => void): void {
    const walk = (nodes: SchemaNode[], row: Row): void => {
      for (const node of nodes) {
        const slot = row.slots.get(node.path);
        if (!slot) continue;
        visit(slot);
        if (node.item.kind === "repeat") for (const child of row.rows.get(node.path) ?? []) walk(node.children, child);
        else walk(node.children, row);
      }
    };
    walk(this.schema.top, this.root);
  }

  /** Every slot in the form's order, rows of repeats included. */
  allSlots(): Slot[] {
    const slots: Slot[] = [];
    this.eachSlot((slot) => slots.push(slot));
    return slots;
  }

  // -- what expressions see -----------------------------------------------------------------------------------------------

  context(slot: Slot): Context<Row> {
    return { host: this, rows: slot.row.chain, self: slot.value };
  }

  rootContext(rows: readonly Row[] = [this.root]): Context<Row> {
    return { host: this, rows, self: null };
  }

  private evaluate(tree: Ast, slot: Slot): Result {
    return evaluate(tree, this.context(slot));
  }

  nodes(path: string, pinned: number, rows: readonly Row[]): XNode[] {
    const node = this.schema.byPath.get(path);
    if (!node) return this.derivedNodes(path, pinned, rows);
    const isRepeat = node.item.kind === "repeat";
    const repeats = isRepeat ? [...node.repeats, node] : node.repeats;
    const start = Math.min(pinned, rows.length - 1, repeats.length);
    const found = this.expand([rows[start] as Row], repeats.slice(start));
    if (isRepeat) return found.filter((row) => row.chain[row.chain.length - 2]?.slots.get(path)?.isRelevant);
    return found.flatMap((row) => {
      const slot = row.slots.get(path);
      return slot?.isRelevant ? [slot] : [];
    });
  }

  private expand(rows: Row[], repeats: SchemaNode[]): Row[] {
    let found = rows;
    for (const repeat of repeats) {
      found = found.flatMap((row) => (row.slots.get(repeat.path)?.isRelevant ? (row.rows.get(repeat.path) ?? []) : []));
    }
    return found;
  }

  private derivedNodes(path: string, pinned: number, rows: readonly Row[]): XNode[] {
    const values = this.derived.get(path);
    if (!values) return [];
    const last = rows[Math.min(pinned, rows.length - 1)];
    return [...values].filter(([row]) => !last || row.chain.includes(last)).map(([, value]) => ({ value }));
  }

  /** Makes a figure of the scores sheet readable to later rules under `path`, one value a row. */
  derive(path: string, values: Map<Row, Value>): void {
    this.derived.set(path, values);
  }

  forgetDerived(): void {
    this.derived.clear();
  }

  /** The relevant rows of a repeat, in all rows around it. */
  relevantRows(path: string): Row[] {
    return this.nodes(path, 0, [this.root]) as Row[];
  }

  below(node: XNode, steps: string): XNode[] {
    if (!steps) return [node];
    if (node.item) return steps in node.item ? [{ value: node.item[steps] ?? "" }] : [];
    const row = node as Row;
    return row.repeat ? this.nodes(`${row.repeat.path}/${steps}`, row.chain.length - 1, row.chain) : [];
  }

  instance(id: string): InstanceItem[] {
    const list = this.instances[id];
    if (list) return list;
    return (this.definition.choice_lists?.[id] ?? []).map((choice) => ({ ...choice.extra, name: choice.name, label: this.text(choice.label) }));
  }

  rowPosition(node: XNode): number {
    if (!("slots" in node)) return 1;
    const row = node as Row;
    const parent = row.chain[row.chain.length - 2];
    return row.repeat && parent ? (parent.rows.get(row.repeat.path) ?? []).indexOf(row) + 1 : 1;
  }

  indexed(path: string, indexes: Map<string, number>, rows: readonly Row[]): XNode[] {
    const node = this.schema.byPath.get(path);
    let row: Row | undefined = this.root;
    for (const [depth, repeat] of (node?.repeats ?? []).entries()) {
      const index = indexes.get(repeat.path);
      row = index === undefined ? rows[depth + 1] : row?.rows.get(repeat.path)?.[index - 1];
    }
    const slot = row?.slots.get(path);
    return slot?.isRelevant ? [slot] : [];
  }

  choiceName(value: string, path: string): string {
    const bare = path.trim().replace(/^\//, "");
    const node = this.schema.byPath.get(bare) ?? this.schema.byPath.get(bare.replace(/^[^/]*\//, ""));
    if (node?.item.kind !== "question") return "";
    const choice = node.choices?.get(value) ?? this.allChoices(node.item).find((one) => one.name === value);
    return choice ? this.text(choice.label) : "";
  }
}
