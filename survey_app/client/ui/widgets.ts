/** Maps, drawing and pictures with areas are loaded only by forms that ask for them. */

import type { Definition, Item, Question } from "../form/definition";
import type { Control, Surroundings } from "./controls";

export interface Widget {
  /** Adds to a question's control, or makes it; gives the control back unchanged where it has no part. */
  bind(inner: Control | null, element: HTMLElement, address: string, question: Question, around: Surroundings): Control | null;
}

interface Loader {
  isFor(question: Question, appearance: readonly string[]): boolean;
  load(): Promise<Widget>;
}

const LOADERS: readonly Loader[] = [
  {
    isFor: ({ type }, appearance) => type === "geotrace" || type === "geoshape" || (type === "geopoint" && appearance.some((one) => one === "maps" || one === "placement-map"))
      || (type === "select_one" && appearance.includes("map")),
    load: async () => (await import("./map")).widget,
  },
  { isFor: (_, appearance) => appearance.some((one) => one === "draw" || one === "annotate" || one === "signature"), load: async () => (await import("./picture")).widget },
  { isFor: (_, appearance) => appearance.includes("image-map"), load: async () => (await import("./areas")).widget },
];

/** What this form needs beyond the controls every form has. */
export function loadWidgets(definition: Definition): Promise<Widget[]> {
  const questions = definition.items.flatMap(questionsOf);
  const needed = LOADERS.filter(({ isFor }) => questions.some((question) => isFor(question, (question.appearance ?? "").split(/\s+/))));
  return Promise.all(needed.map(({ load }) => load()));
}

function questionsOf(item: Item): Question[] {
  return item.kind === "question" ? [item] : item.children.flatMap(questionsOf);
}
