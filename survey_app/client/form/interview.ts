/** One interview: what a page asks of a form being answered, and what its expressions see. The twin of forms/answers.py. */

import type { Ast, Choice, InstanceItem, Issue, Question, Text, Value, Definition } from "./definition";
import { STEPS, evaluate, toBoolean, toText, within, type Context, type Host, type Result, type XNode } from "./expressions";
import { shuffled } from "./functions";
import type { Schema, SchemaNode } from "./schema";
import { kept, rowsOf, sent, type Answers, type Options, type Row, type Slot } from "./slots";
import { AnswerTree } from "./tree";
import { family, order, step } from "./walking";

export class Interview extends AnswerTree implements Host<Row> {
  readonly family = family;
  readonly order = order;
  /** Figures of the scores sheet that later rules may name, while they are computed. */
  private readonly derived = new Map<string, Map<Row, Value>>();
  private readonly lists = new Map<string, InstanceItem[]>();

  constructor(definition: Definition | Schema, options: Options = {}) {
    super(definition, options);
    this.open();
  }

  // -- answers in and out ---------------------------------------------------------------------------------------------

  /** Takes an answer; wrong ones are kept as they came and flagged. */
  set(address: string, value: Value): void {
    this.begin();
    const slot = this.slots.get(address);
    if (slot?.node.item.kind === "question") this.assign(slot, value, 0);
  }

  /** The answer kept at an address, asked or not; null when blank. */
  value(address: string): Value {
    const slot = this.slots.get(address);
    return slot ? kept(slot) : null;
  }

  /** The answer as expressions see it: blank when it is hidden, does not fit or is not on offer. */
  seen(address: string): string {
    const slot = this.slots.get(address);
    return slot?.isRelevant ? toText([slot]) : "";
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
      const value = kept(slot);
      if (slot.node.item.kind === "question" && value !== null) values[slot.address] = value;
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
        if (item.type !== "note") out[item.name] = sent(slot);
      } else {
        out[item.name] = rowsOf(slot).map((child) => ({ _id: child.id, ...this.tree(node.children, child) }));
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
    return slot !== undefined && tree !== undefined && this.holds(tree, slot);
  }

  isReadOnly(address: string): boolean {
    const slot = this.slots.get(address);
    if (!slot) return false;
    if (slot.node.item.kind === "question" && slot.node.item.calculation !== undefined) return true;
    for (let node: SchemaNode | null = slot.node; node; node = node.parent) {
      const { read_only: rule } = node.item;
      if (rule !== undefined && this.holds(rule, slot)) return true;
    }
    return false;
  }

  /** The choices on offer, by the choice filter and the other answers. */
  choices(address: string): Choice[] {
    const slot = this.slots.get(address);
    const item = slot?.node.item;
    if (!slot || item?.kind !== "question" || !item.choices) return [];
    this.work.left = STEPS;
    const offered = this.offers.offered(slot, item);
    const { randomize, seed } = item.parameters ?? {};
    return randomize === "true" ? shuffled(offered, this.seed(slot, seed)) : offered;
  }

  /** The seed of an order: a number, or the answer at "/" and a path, in the rows shared with the question. */
  private seed(slot: Slot, seed: string | undefined): Result | undefined {
    const node = seed?.startsWith("/") ? this.schema.byPath.get(seed.slice(1)) : undefined;
    if (!node) return seed || undefined;
    const [found] = this.instancesOf(node, slot.row, slot.row.chain.length - 1);
    return found?.isRelevant ? toText([found]) : "";
  }

  allChoices(item: Question): Choice[] {
    return this.offers.all(item);
  }

  /** A text with its references filled in, as seen from an address. */
  text(text: Text | undefined, address = ""): string {
    if (text === undefined || typeof text === "string") return text ?? "";
    if (!Array.isArray(text)) return this.text(text[this.language] ?? Object.values(text)[0], address);
    const slot = this.slots.get(address);
    const context = slot ? this.context(slot) : this.rootContext();
    return text.map((part) => (typeof part === "string" ? part : this.shown(part.x, context))).join("");
  }

  /** What this interview is called in lists, by the form's own rule. */
  get instanceName(): string {
    const { instance_name: rule } = this.definition;
    return rule === undefined ? "" : this.shown(rule, this.rootContext());
  }

  unit(address: string): string {
    const slot = this.slots.get(address);
    if (slot?.node.item.kind !== "question") return "";
    const { unit, unit_expression: tree } = slot.node.item;
    return tree === undefined ? this.text(unit, address) : this.shown(tree, this.context(slot));
  }

  /** A rule that asks for more work than it may holds: nobody is stopped by it. */
  private holds(tree: Ast, slot: Slot): boolean {
    return this.bounded(() => toBoolean(this.evaluate(tree, slot)), true);
  }

  private shown(tree: Ast, context: Context<Row>): string {
    return this.bounded(() => toText(evaluate(tree, context)), "");
  }

  /** One share of work for what a page asks; what is asked inside of it uses the same. */
  private bounded<T>(work: () => T, otherwise: T): T {
    if (!this.isSharing) this.work.left = STEPS;
    return this.shared(() => within(work, otherwise));
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
    const { address, node: { item }, value } = slot;
    if (item.kind !== "question" || !slot.isRelevant || item.type === "note") return null;
    if (slot.flag) return flagged(slot, item);
    if (value === null) {
      const isMissing = item.required !== undefined && this.holds(item.required, slot);
      return isMissing ? { code: "required", where: address, parameters: {}, ownMessage: this.text(item.required_message, address) } : null;
    }
    if (item.constraint === undefined || this.holds(item.constraint, slot)) return null;
    return { code: "constraint", where: address, parameters: {}, ownMessage: this.text(item.constraint_message, address) };
  }

  // -- repeats ------------------------------------------------------------------------------------------------------------

  rows(address: string): string[] {
    const slot = this.slots.get(address);
    return slot ? rowsOf(slot).map((row) => row.id) : [];
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
    if (!this.isSharing) this.work.left = STEPS;
    return { host: this, rows: slot.row.chain, self: slot.value };
  }

  rootContext(rows: readonly Row[] = [this.root]): Context<Row> {
    if (!this.isSharing) this.work.left = STEPS;
    return { host: this, rows, self: null };
  }

  /** An expression that asks for too much work is a blank; as a rule it counts as met, so that no answer is lost. */
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

  step(node: XNode, name: string): XNode[] {
    const row = node as Row;
    const path = row.repeat ? `${row.repeat.path}/${name}` : "";
    return this.derived.has(path) ? this.derivedNodes(path, row.chain.length - 1, row.chain) : step(node, name);
  }

  instance(id: string): InstanceItem[] {
    const list = this.instances[id] ?? this.lists.get(id);
    if (list) return list;
    const items = (this.definition.choice_lists?.[id] ?? []).map((choice) => ({ name: choice.name, label: this.text(choice.label), ...choice.extra }));
    this.lists.set(id, items);
    return items;
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

  itext(id: string): string {
    return this.text(this.definition.texts?.[id]);
  }

  choiceName(value: string, path: string): string {
    const bare = path.trim().replace(/^\//, "");
    const node = this.schema.byPath.get(bare) ?? this.schema.byPath.get(bare.replace(/^[^/]*\//, ""));
    if (node?.item.kind !== "question") return "";
    const [choice] = this.offers.known({ node })?.get(value) ?? [];
    return choice ? this.shared(() => this.text(choice.label)) : "";
  }
}

/** What is wrong with an answer that does not count as it came. */
function flagged({ address, flag, given, value }: Slot, { type }: Question): Issue {
  const came = String(given);
  if (flag === "wrong_type") return { code: flag, where: address, parameters: { value: came.slice(0, 80), type }, ownMessage: "" };
  const counting = value === null || value === given ? [] : String(value).split(" ");
  const names = type === "select_one" ? [came] : came.split(/\s+/).filter(Boolean);
  const unknown = names.find((name) => !counting.includes(name)) ?? "";
  return { code: "unknown_choice", where: address, parameters: { value: unknown.slice(0, 80) }, ownMessage: "" };
}
