/** A form prepared for an interview: its tree by path, who depends on whom, and a safe order. The twin of forms/program.py. */

import type { Action, Ast, Choice, Definition, Item, Question, Text } from "./definition";
import { byName } from "./offers";

export interface Dependent {
  node: SchemaNode;
  /** How many repeats' rows the dependent shares with what it depends on. */
  pinned: number;
  /** True when its relevance or value may change, false when only its texts, choices or rules may. */
  isState: boolean;
  /** It only inherits relevance: rows that come and go mean nothing to it. */
  isChild?: boolean;
}

export interface SchemaNode {
  item: Item;
  path: string;
  parent: SchemaNode | null;
  children: SchemaNode[];
  /** Enclosing repeats, outermost first. */
  repeats: SchemaNode[];
  dependents: Dependent[];
  rank: number;
  /** The form's own choices by name; null: none, or those of a secondary instance. */
  choices: Map<string, Choice[]> | null;
  /** Its answer is names of choices. */
  isListed: boolean;
  isVolatile: boolean;
  /** Something before it in rank depends on it: a form in circles. */
  looksBack: boolean;
  /** How many nodes a row of it holds, without the rows of repeats in it. */
  size: number;
}

export interface Trigger {
  node: SchemaNode;
  action: Action;
}

export interface Schema {
  definition: Definition;
  byPath: Map<string, SchemaNode>;
  top: SchemaNode[];
  triggers: Map<string, Trigger[]>;
  events: Map<string, Trigger[]>;
  lists: Map<Choice[], Map<string, Choice[]>>;
}

interface Reference {
  path: string;
  pinned: number;
}

const LISTED = ["select_one", "select_multiple", "rank"];
const VOLATILE = ["random", "uuid", "now"];

/** Indexes a definition once; interviews of the same form share it. */
export function prepare(definition: Definition): Schema {
  const schema: Schema = { definition, byPath: new Map(), top: [], triggers: new Map(), events: new Map(), lists: new Map() };
  schema.top = definition.items.map((item) => add(schema, item, null));
  for (const node of schema.byPath.values()) connect(schema, node);
  rank(schema);
  return schema;
}

function add(schema: Schema, item: Item, parent: SchemaNode | null): SchemaNode {
  const path = parent ? `${parent.path}/${item.name}` : item.name;
  const repeats = parent ? (parent.item.kind === "repeat" ? [...parent.repeats, parent] : parent.repeats) : [];
  const list = item.kind === "question" && item.choices ? schema.definition.choice_lists?.[item.choices] : undefined;
  const node: SchemaNode = {
    item, path, parent, children: [], repeats, dependents: [], rank: 0, choices: list ? named(schema, list) : null,
    isListed: item.kind === "question" && item.choices !== undefined && LISTED.includes(item.type),
    isVolatile: item.kind === "question" && calls(item.calculation, VOLATILE), looksBack: false, size: 0,
  };
  schema.byPath.set(path, node);
  if (item.kind !== "question") node.children = item.children.map((child) => add(schema, child, node));
  node.size = node.children.reduce((size, child) => size + 1 + (child.item.kind === "repeat" ? 0 : child.size), 0);
  return node;
}

/** A list's choices by name: questions that ask from one list share it. */
function named({ lists }: Schema, list: Choice[]): Map<string, Choice[]> {
  let found = lists.get(list);
  if (!found) lists.set(list, (found = byName(list)));
  return found;
}

const calls = (tree: Ast | undefined, names: string[]): boolean =>
  Array.isArray(tree) && (names.includes(tree[0] as string) || tree.slice(1).some((part) => calls(part, names)));

function connect(schema: Schema, node: SchemaNode): void {
  const { item } = node;
  for (const child of node.children) {
    node.dependents.push({ node: child, pinned: node.repeats.length, isState: true, isChild: true });
  }
  const state = item.kind === "question" ? [item.relevant, item.calculation] : [item.relevant, item.count];
  if (item.kind === "question" && node.isListed) state.push(item.choice_filter, ...ofRows(item));
  depend(schema, node, state, true);
  depend(schema, node, [...views(item), ...closedAbove(node)], false);
  for (const action of item.actions ?? []) {
    const [all, key] = action.trigger ? [schema.triggers, action.trigger] : [schema.events, action.event];
    all.set(key, [...(all.get(key) ?? []), { node, action }]);
  }
}

/** The rules by which a group closes all that is in it to typing. */
function closedAbove({ parent }: SchemaNode): (Ast | undefined)[] {
  return parent ? [parent.item.read_only, ...closedAbove(parent)] : [];
}

function views(item: Item): (Ast | undefined)[] {
  const texts: (Text | undefined)[] = [item.label];
  const trees: (Ast | undefined)[] = [item.read_only];
  if (item.kind === "question") {
    texts.push(item.hint, item.constraint_message, item.required_message, item.unit);
    trees.push(item.constraint, item.required, item.choice_filter, item.unit_expression, ...ofRows(item));
  }
  return [...trees, ...texts.flatMap(expressionsOf)];
}

/** The rows that are a question's choices, and the answers in them that make a choice's name and label. */
function ofRows({ itemset, parameters }: Question): Ast[] {
  if (itemset === undefined) return [];
  const { value = "name", label = "label" } = parameters ?? {};
  return [itemset, ["@", itemset, [], value], ["@", itemset, [], label]];
}

/** The expressions inside a text. */
export function expressionsOf(text: Text | undefined): Ast[] {
  if (text === undefined || typeof text === "string") return [];
  if (!Array.isArray(text)) return Object.values(text).flatMap(expressionsOf);
  return text.flatMap((part) => (typeof part === "string" ? [] : [part.x]));
}

function depend(schema: Schema, node: SchemaNode, trees: (Ast | undefined)[], isState: boolean): void {
  const seen = new Set<string>();
  for (const { path, pinned } of trees.flatMap((tree) => references(schema, tree))) {
    const source = schema.byPath.get(path);
    const key = `${path}#${pinned}`;
    if (!source || source === node || seen.has(key)) continue;
    seen.add(key);
    // A place in a repeat is pinned to the row itself, one deeper than the repeat stands.
    const most = source.repeats.length + (source.item.kind === "repeat" ? 1 : 0);
    source.dependents.push({ node, pinned: Math.min(pinned, most), isState });
  }
}

/** Every answer an expression may read; a path to a group or repeat stands for all below it, unless only its place or
 *  number is asked. */
export function references(schema: Schema, tree: Ast | undefined): Reference[] {
  return [...read(tree, "", 0), ...whole(schema, tree, true)];
}

/** The paths an expression reads and the rows it pins; fields count below the item tested. */
function read(tree: Ast | undefined, below: string, pinned: number): Reference[] {
  if (!Array.isArray(tree)) return [];
  if (tree[0] === "$") return [{ path: tree[2] as string, pinned: tree[1] as number }];
  if (tree[0] === ".") return [{ path: joined(below, tree[1] as string), pinned }];
  if (tree[0] === "instance") return [];
  if (tree[0] === "@") return filtered(tree, below, pinned);
  const found = tree.slice(1).flatMap((part) => read(part, below, pinned));
  return tree[0] === "indexed-repeat" ? found.map(({ path }) => ({ path, pinned: 0 })) : found;
}

function filtered([, source, predicates, steps]: Ast[], below: string, pinned: number): Reference[] {
  const sources = read(source, below, pinned);
  const [base] = sources;
  const last = base ? [{ path: joined(base.path, (steps as string | undefined) ?? ""), pinned: base.pinned }] : [];
  const tests = (predicates as Ast[]).flatMap((test) => read(test, base?.path ?? "", base?.pinned ?? 0));
  return [...sources, ...last, ...tests];
}

/** A path and steps below it; ".." leads up. */
function joined(base: string, steps: string): string {
  const names = base ? base.split("/") : [];
  for (const name of steps ? steps.split("/") : []) {
    if (name === "..") names.pop();
    else if (name) names.push(name);
  }
  return names.join("/");
}

function whole(schema: Schema, tree: Ast | undefined, isText: boolean): Reference[] {
  if (!Array.isArray(tree)) return [];
  if (tree[0] === "$") return isText ? all(schema.byPath.get(tree[2] as string), tree[1] as number) : [];
  if (tree[0] === "." || tree[0] === "instance") return [];
  if (tree[0] === "@") {
    return [...whole(schema, tree[1], !tree[3]), ...(tree[2] as Ast[]).flatMap((test) => whole(schema, test, true))];
  }
  const below = !["position", "count", "indexed-repeat"].includes(tree[0] as string);
  return tree.slice(1).flatMap((part) => whole(schema, part, below));
}

const all = (node: SchemaNode | undefined, pinned: number): Reference[] =>
  (node?.children ?? []).flatMap((child) => [{ path: child.path, pinned }, ...all(child, pinned)]);

/** Ranks grow along every dependency, so one pass in order of rank settles a change; circles end at a bound. */
function rank(schema: Schema): void {
  const opened = new Set<SchemaNode>();
  const order: SchemaNode[] = [];
  // An explicit stack: a chain of calculations may be longer than a phone's recursion allows.
  for (const first of [...schema.byPath.values()].reverse()) {
    const stack = opened.has(first) ? [] : [{ node: first, at: 0 }];
    opened.add(first);
    for (let top = stack[stack.length - 1]; top; top = stack[stack.length - 1]) {
      const { dependents } = top.node;
      while (top.at < dependents.length && (!dependents[top.at]?.isState || opened.has(dependents[top.at]?.node as SchemaNode))) top.at += 1;
      const following = dependents[top.at]?.node;
      if (following) {
        opened.add(following);
        stack.push({ node: following, at: 0 });
      } else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  order.reverse().forEach((node, index) => { node.rank = index; });
  for (const node of order) node.looksBack = node.dependents.some((each) => each.isState && each.node.rank <= node.rank);
}
