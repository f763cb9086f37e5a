/** Finding Vietnamese words typed without their marks. */

/** Lower case without tone and vowel marks, đ as d, punctuation and double spaces as one space. */
export function fold(text: string): string {
  const bare = text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
  return bare.replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

export interface Searchable {
  name: string;
  label: string;
}

/** Entries that hold every word typed; those that hold them with their marks come first. */
export function search<T extends Searchable>(entries: readonly T[], typed: string): T[] {
  const words = fold(typed).split(" ").filter(Boolean);
  if (!words.length) return [...entries];
  const exact = typed.trim().normalize("NFC").toLowerCase();
  const found = entries.filter((entry) => {
    const text = ` ${fold(`${entry.label} ${entry.name}`)}`;
    return words.every((word) => text.includes(` ${word}`));
  });
  const isExact = (entry: T): boolean => entry.label.normalize("NFC").toLowerCase().includes(exact);
  return [...found.filter(isExact), ...found.filter((entry) => !isExact(entry))];
}
