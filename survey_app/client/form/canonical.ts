/** The one way a submission is written before it is hashed: sorted keys, no spaces, one spelling of numbers. */

import { numberText } from "./expressions";

/** Order of code points, which is Python's order of texts. */
function byCodePoint(left: string, right: string): number {
  const [a, b] = [Array.from(left), Array.from(right)];
  for (let index = 0; index < a.length && index < b.length; index += 1) {
    const difference = ((a[index] as string).codePointAt(0) ?? 0) - ((b[index] as string).codePointAt(0) ?? 0);
    if (difference) return difference;
  }
  return a.length - b.length;
}

/** A half of a surrogate pair cannot be written in UTF-8; it becomes U+FFFD. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (match) => (match.length === 2 ? match : "\ufffd"));
}

/** Canonical JSON of plain data; a member that is undefined is left out. */
export function canonicalText(data: unknown): string {
  if (data === null || data === undefined) return "null";
  if (typeof data === "number") return Number.isFinite(data) ? numberText(data) : "null";
  if (typeof data === "boolean") return String(data);
  if (typeof data === "string") return JSON.stringify(wellFormed(data));
  if (Array.isArray(data)) return `[${data.map(canonicalText).join(",")}]`;
  const members = Object.entries(data as Record<string, unknown>).filter(([, value]) => value !== undefined);
  members.sort(([a], [b]) => byCodePoint(a, b));
  return `{${members.map(([key, value]) => `${canonicalText(key)}:${canonicalText(value)}`).join(",")}}`;
}

export function canonicalBytes(data: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalText(data));
}

/** SHA-256 in hexadecimal; works on insecure origins too. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  const { hex, sha256 } = await import("./sha");
  return hex(subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : sha256(bytes));
}
