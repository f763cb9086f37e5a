/** Which choices a question offers, and what counts of the names chosen. The twin of forms/offers.py. */

import type { Ast, Choice, InstanceItem, Question } from "./definition";
import { evaluate, fitting, toBoolean, toText, within, type XNode } from "./expressions";
import { kept, type Slot } from "./slots";
import type { AnswerTree } from "./tree";

type ByName = Map<string, Choice[]>;

/** Shorter lists are walked: a table of them costs more than it saves. */
const FEW = 20;

export class Offers {
  private readonly lists = new Map<Question, { all: Choice[]; known: ByName }>();
  private readonly items = new Map<Choice, XNode>();
  private readonly choices = new Map<InstanceItem, Choice>();
  private readonly tables = new Map<Choice[], InstanceItem[]>();

  constructor(private readonly tree: AnswerTree) {}

  /** Every choice of the question's list, before any filter. */
  all(question: Question): Choice[] {
    return this.tree.definition.choice_lists?.[question.choices ?? ""] ?? this.foreign(question).all;
  }

  /** The choices by name; null when the list is not there at all. */
  known(slot: { node: { choices: ByName | null; item: unknown } }): ByName | null {
    const known = slot.node.choices ?? this.foreign(slot.node.item as Question).known;
    return known.size ? known : null;
  }

  /** The choices on offer where a slot stands. */
  offered(slot: Slot, question: Question): Choice[] {
    const { choice_filter: filter, itemset } = question;
    if (itemset !== undefined) return this.ofRows(slot, question, itemset);
    const all = this.all(question);
    if (filter === undefined) return all;
    return this.lookedUp(all, filter, slot) ?? all.filter((choice) => this.isOffered(choice, filter, slot));
  }

  /** Those of a long list that a filter like `column = ${answer}` lets through, by a table; null for other filters. */
  private lookedUp(all: Choice[], filter: Ast, slot: Slot): Choice[] | null {
    if (all.length < FEW) return null;
    const found = within(() => fitting(() => this.table(all), filter, this.tree.context(slot)), null);
    return found && found.flatMap(({ item }) => this.choices.get(item ?? {}) ?? []).filter((choice) => this.isOffered(choice, filter, slot));
  }

  private table(all: Choice[]): InstanceItem[] {
    let items = this.tables.get(all);
    if (!items) this.tables.set(all, (items = all.map((choice) => this.node(choice).item ?? {})));
    return items;
  }

  private node(choice: Choice): XNode {
    let node = this.items.get(choice);
    if (node) return node;
    const item = { name: choice.name, label: this.tree.text(choice.label), ...choice.extra };
    this.items.set(choice, (node = { value: null, item }));
    this.choices.set(item, choice);
    return node;
  }

  /** What counts of the names chosen; a name that is in no list stays in the answers, flagged. */
  narrow(slot: Slot): void {
    const question = slot.node.item as Question;
    const came = kept(slot);
    if (came === null || slot.flag === "wrong_type") return;
    const names = question.type === "select_one" ? [String(came)] : String(came).split(/\s+/).filter(Boolean);
    const known = question.itemset === undefined ? this.known(slot) : byName(this.ofRows(slot, question, question.itemset));
    if (!known) {
      [slot.given, slot.flag] = [came, "unknown_choice"];
      return;
    }
    const { choice_filter: filter } = question;
    const counting = names.filter((name) => (known.get(name) ?? []).some((choice) => filter === undefined || this.isOffered(choice, filter, slot)));
    if (question.type === "rank") counting.push(...this.offered(slot, question).map((one) => one.name).filter((name) => !counting.includes(name)));
    slot.value = counting.join(" ") === names.join(" ") ? came : counting.join(" ") || null;
    slot.given = slot.value === came ? null : came;
    const dropped = names.filter((name) => !counting.includes(name));
    const isStrange = dropped.some((name) => !known.has(name)) || (dropped.length > 0 && slot.isReceived);
    slot.flag = isStrange ? "unknown_choice" : "";
  }

  /** The rows of a repeat as choices: those whose name is given. */
  private ofRows(slot: Slot, question: Question, itemset: Ast): Choice[] {
    const { value = "name", label = "label" } = question.parameters ?? {};
    const context = this.tree.context(slot);
    const found = within(() => evaluate(itemset, context), "");
    return (Array.isArray(found) ? found : []).flatMap((row) => {
      const name = toText(context.host.step(row, value));
      return name === "" ? [] : [{ name, label: toText(context.host.step(row, label)) || name }];
    });
  }

  private isOffered(choice: Choice, filter: Ast, slot: Slot): boolean {
    return within(() => toBoolean(evaluate(filter, { ...this.tree.context(slot), item: this.node(choice) })), true);
  }

  private foreign(question: Question): { all: Choice[]; known: ByName } {
    let found = this.lists.get(question);
    if (!found) {
      const all = this.read(question);
      this.lists.set(question, (found = { all, known: byName(all) }));
    }
    return found;
  }

  private read(question: Question): Choice[] {
    const { value = "name", label = "label" } = question.parameters ?? {};
    const id = question.choices ?? "";
    const rows: InstanceItem[] = this.tree.instances[id.replace(/\.csv$/, "")] ?? this.tree.instances[id] ?? [];
    return rows.map((row) => ({ name: row[value] ?? "", label: row[label] ?? row[value] ?? "", extra: row }));
  }
}

export function byName(choices: readonly Choice[]): ByName {
  const found: ByName = new Map();
  for (const choice of choices) {
    const known = found.get(choice.name);
    if (known) known.push(choice);
    else found.set(choice.name, [choice]);
  }
  return found;
}
