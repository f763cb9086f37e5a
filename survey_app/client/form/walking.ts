/** How expressions walk the rows and slots of an interview: one step down or up, and their order in the form. */

import type { XNode } from "./expressions";
import type { Row, Slot } from "./slots";

const isRow = (node: XNode): node is Row => "slots" in node;

/** What stands at a schema path in a row: the slot, or the rows of a repeat; nothing when it is not asked. */
export function nodesAt(row: Row, path: string): XNode[] {
  const slot = row.slots.get(path);
  if (!slot?.isRelevant) return [];
  return slot.node.item.kind === "repeat" ? (row.rows.get(path) ?? []) : [slot];
}

/** The nodes a step leads to from a row or a slot. */
export function step(node: XNode, name: string): XNode[] {
  if (name === "..") return above(node);
  const path = isRow(node) ? node.repeat?.path : (node as Slot).node.path;
  return nodesAt(isRow(node) ? node : (node as Slot).row, path ? `${path}/${name}` : name);
}

function above(node: XNode): XNode[] {
  const slot = isRow(node) ? slotOf(node) : (node as Slot);
  if (!slot) return [];
  const { parent } = slot.node;
  const group = parent && parent !== slot.row.repeat ? slot.row.slots.get(parent.path) : undefined;
  return [group ?? slot.row];
}

/** The repeat a row belongs to, in the row around it. */
function slotOf(row: Row): Slot | undefined {
  return row.repeat ? row.chain[row.chain.length - 2]?.slots.get(row.repeat.path) : undefined;
}

/** What stands directly below a group or row, in the form's order. */
export function inner(node: XNode): XNode[] {
  const row = isRow(node) ? node : (node as Slot).row;
  const schema = isRow(node) ? node.repeat : (node as Slot).node;
  return (schema?.children ?? []).flatMap((child) => nodesAt(row, child.path));
}

/** Nodes with the same family stand below one node. */
export function family(node: XNode): unknown {
  return isRow(node) ? slotOf(node) : (node as Slot).row;
}

/** Sorts nodes as they stand in the form. */
export function order(node: XNode): number[] {
  const slot = isRow(node) ? slotOf(node) : (node as Slot);
  if (!slot) return [];
  const place = [...order(slot.row), [...slot.row.slots.keys()].indexOf(slot.node.path)];
  return isRow(node) ? [...place, (slot.row.rows.get(slot.node.path) ?? []).indexOf(node) + 1] : place;
}
