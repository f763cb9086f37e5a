import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServerStore, type SaveState } from "../store";

const sent: unknown[] = [];
let answer: () => Promise<Response>;

beforeEach(() => {
  sent.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal("document", { querySelector: () => null });
  vi.stubGlobal("fetch", (_: string, options: RequestInit) => { sent.push(JSON.parse(String(options.body))); return answer(); });
});
afterEach(() => { vi.useRealTimers(); vi.unstubAllGlobals(); });

const fine = (): Promise<Response> => Promise.resolve(new Response('{"last_change":1}'));
const paths = (batch: unknown): string[] => (batch as { changes: { path: string; value: string }[] }).changes.map((change) => `${change.path}=${change.value}`);

test("answers typed quickly go together, each with its last value", async () => {
  answer = fine;
  const store = new ServerStore("/d", "/api", "i");
  for (const value of ["a", "ab", "abc"]) store.change("name", value);
  store.change("other", "1");
  await vi.advanceTimersByTimeAsync(900);
  expect(sent.map(paths)).toEqual([["name=abc", "other=1"]]);
});

test("a change whose sending failed is sent again, before later ones", async () => {
  const states: SaveState[] = [];
  answer = () => Promise.reject(new TypeError("offline"));
  const store = new ServerStore("/d", "/api", "i");
  store.onState((state) => states.push(state));
  store.change("a", "1");
  await vi.advanceTimersByTimeAsync(900);
  store.change("b", "2");
  answer = fine;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(paths(sent[sent.length - 1])).toEqual(["a=1", "b=2"]);
  expect(states).toContain("offline");
  expect(states[states.length - 1]).toBe("saved");
});

test("a refused change is kept too", async () => {
  answer = () => Promise.resolve(new Response('{"error":{"code":"forbidden","message":"No."}}', { status: 403 }));
  const store = new ServerStore("/d", "/api", "i");
  store.change("a", "1");
  await expect(store.flush()).rejects.toThrow();
  answer = fine;
  await store.flush();
  expect(paths(sent[sent.length - 1])).toEqual(["a=1"]);
});
