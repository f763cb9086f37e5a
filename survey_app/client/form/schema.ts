/** A form prepared for an interview: its tree by path, who depends on whom, and a safe order of evaluation. */

import type { Action, Ast, Choice, Definition, Item, Text } from "./definition";

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
  choices: Map<string, Choice> | null;
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
}

interface Reference {
  path: string;
  pinned: number;
}

/** Indexes a definition once; interviews of the same form share it. */
export function prepare(definition: Definition): Schema {
  const schema: Schema = { definition, byPath: new Map(), top: [], triggers: new Map() };
  schema.top = definition.items.map((item) => add(schema, item, null));
  for (const node of schema.byPath.values()) connect(schema, node);
  rank(schema);
  return schema;
}

function add(schema: Schema, item: Item, parent: SchemaNode | null): SchemaNode {
  const path = parent ? `${parent.path}/${item.name}` : item.name;
  const repeats = parent ? (parent.item.kind === "repeat" ? [...parent.repeats, parent] : parent.repeats) : [];
  const list = item.kind === "question" && item.choices ? schema.definition.choice_lists?.[item.choices] : undefined;
  const choices = list ? new Map(list.map((choice) => [choice.name, choice])) : null;
  const node: SchemaNode = { item, path, parent, children: [], repeats, dependents: [], rank: 0, choices };
  schema.byPath.set(path, node);
  if (item.kind !== "question") node.children = item.children.map((child) => add(schema, child, node));
  return node;
}

function connect(schema: Schema, node: SchemaNode): void {
  const { item } = node;
  for (const child of node.children) {
    node.dependents.push({ node: child, pinned: node.repeats.length, isState: true, isChild: true });
  }
  const state = item.kind === "question" ? [item.relevant, item.calculation] : [item.relevant, item.count];
  depend(schema, node, state, true);
  depend(schema, node, views(item), false);
  for (const action of item.actions ?? []) {
    if (!action.trigger) continue;
    const known = schema.triggers.get(action.trigger) ?? [];
    schema.triggers.set(action.trigger, [...known, { node, action }]);
  }
}

function views(item: Item): (Ast | undefined)[] {
  const texts: (Text | undefined)[] = [item.label];
  const trees: (Ast | undefined)[] = [item.read_only];
  if (item.kind === "question") {
    texts.push(item.hint, item.constraint_message, item.required_message, item.unit);
    trees.push(item.constraint, item.required, item.choice_filter, item.unit_expression);
  }
  return [...trees, ...texts.flatMap(expressionsOf)];
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
    source.dependents.push({ node, pinned: Math.min(pinned, source.repeats.length), isState });
  }
}

/** Every answer an expression may read; a path to a group or repeat stands for all below it. */
export function references(schema: Schema, tree: Ast | undefined): Reference[] {
  if (!Array.isArray(tree)) return [];
  if (tree[0] === "$") return expand(schema, { path: tree[2] as string, pinned: tree[1] as number });
  const [first] = tree.slice(1);
  // A place or a number of rows follows from the rows alone, not from what is answered in them.
  if ((tree[0] === "position" || tree[0] === "count") && Array.isArray(first) && first[0] === "$") {
    return [{ path: first[2] as string, pinned: first[1] as number }];
  }
  const inside = tree.slice(1).flatMap((argument) => references(schema, argument as Ast));
  return tree[0] === "indexed-repeat" ? inside.map(({ path }) => ({ path, pinned: 0 })) : inside;
}

function expand(schema: Schema, reference: Reference): Reference[] {
  const node = schema.byPath.get(reference.path);
  if (!node?.children.length) return [reference];
  return [reference, ...node.children.flatMap((child) => expand(schema, { path: child.path, pinned: reference.pinned }))];
}

/** Ranks grow along every dependency, so one pass in order of rank settles a change; cycles end at a bound. */
function rank(schema: Schema): void {
  const state = new Map<SchemaNode, "open" | "done">();
  const order: SchemaNode[] = [];
  const visit = (node: SchemaNode): void => {
    if (state.has(node)) return;
    state.set(node, "open");
    for (const dependent of node.dependents) if (dependent.isState) visit(dependent.node);
    state.set(node, "done");
    order.push(node);
  };
  for (const node of [...schema.byPath.values()].reverse()) visit(node);
  order.reverse().forEach((node, index) => { node.rank = index; });
}
