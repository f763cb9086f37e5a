/** The parts of the engine that a phone loads only for forms that call their functions; the bundle says which. */

const PARTS: Record<string, () => Promise<unknown>> = {
  calendar: () => import("./calendar"),
  codes: () => import("./codes"),
  patterns: () => import("./patterns"),
  places: () => import("./places"),
  seldom: () => import("./seldom"),
};

/** Brings what a form needs before it begins; everything for a bundle that does not say. */
export async function loadFunctions({ parts = Object.keys(PARTS) }: { parts?: string[] }): Promise<void> {
  await Promise.all(parts.map((part) => PARTS[part]?.()));
}
