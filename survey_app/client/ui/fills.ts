/** References inside the drawn texts: labels, hints and choices that hold answers are kept current. */

import type { Question, Text } from "../form/definition";
import type { Interview } from "../form/interview";
import { all, setText } from "./dom";

export class Fills {
  /** Address -> the places in its texts where an answer stands. */
  private readonly places = new Map<string, HTMLElement[]>();

  constructor(private readonly interview: Interview) {}

  register(root: HTMLElement): void {
    for (const place of all(root, "[data-part]")) {
      const address = place.dataset.of;
      if (address === undefined) continue;
      const known = this.places.get(address);
      if (known) known.push(place);
      else this.places.set(address, [place]);
    }
  }

  forget(prefix: string): void {
    for (const address of this.places.keys()) if (address.startsWith(prefix)) this.places.delete(address);
  }

  refresh(address: string): void {
    for (const place of this.places.get(address) ?? []) {
      const [, which = "", number = "0"] = /^(.*):(\d+)$/.exec(place.dataset.part ?? "") ?? [];
      const part = references(this.text(address, which), this.interview.language)[Number(number)];
      if (part !== undefined) setText(place, this.interview.text([part], address));
    }
  }

  private text(address: string, which: string): Text | undefined {
    const item = this.interview.slot(address)?.node.item ?? this.interview.schema.byPath.get(address)?.item;
    if (!which.startsWith("choice:")) return (item as Record<string, Text | undefined> | undefined)?.[which];
    const name = which.slice("choice:".length);
    return item?.kind === "question" ? this.interview.allChoices(item as Question).find((choice) => choice.name === name)?.label : undefined;
  }
}

type Reference = Exclude<Exclude<Text, string | { [language: string]: unknown }>[number], string>;

/** The references of a text in their order. */
function references(text: Text | undefined, language: string): Reference[] {
  if (text === undefined || typeof text === "string") return [];
  if (!Array.isArray(text)) return references(text[language], language);
  return text.filter((part): part is Reference => typeof part !== "string");
}
