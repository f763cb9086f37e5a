/** Where an interview is kept: behind one interface, now the server's draft, with a queue that loses no change. */

import { ApiError, call, sendBytes, sendJson, type Change, type DraftState, type Receipt } from "./api";
import type { Value } from "./form/definition";
import { sha256Hex } from "./form/canonical";
import { uuid } from "./form/functions";
import { isoDateTime } from "./form/dates";
import { deviceClock } from "./form/slots";
import { t } from "./texts";

export type SaveState = "saved" | "saving" | "offline" | "refused";

export interface Store {
  readonly deviceId: string;
  open(): Promise<DraftState>;
  /** Notes a change; it is sent soon, again and again until the server has it. */
  change(path: string, value: Value): void;
  /** Sends what waits now; resolves when nothing waits any more. */
  flush(): Promise<void>;
  attach(address: string, name: string, file: Blob): Promise<void>;
  attachments(): Promise<Record<string, string>>;
  submit(body: Uint8Array<ArrayBuffer>): Promise<Receipt>;
  onState(listener: (state: SaveState, error: ApiError | null) => void): void;
}

const DELAY = 800;
const LONGEST_WAIT = 30_000;
const KEEPALIVE_LIMIT = 60_000;

export function timestamp(): string {
  const { now, offset } = deviceClock();
  return isoDateTime(now, offset);
}

/** This browser's id, kept where the browser lets us. */
export function deviceId(): string {
  try {
    const known = localStorage.getItem("device");
    if (known) return known;
    const made = uuid();
    localStorage.setItem("device", made);
    return made;
  } catch {
    return uuid();
  }
}

interface Attachment {
  name: string;
  sha256: string;
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
  isUp: boolean;
}

export class ServerStore implements Store {
  readonly deviceId = deviceId();
  private waiting: Change[] = [];
  private sending: Change[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | null = null;
  private failures = 0;
  private listener: (state: SaveState, error: ApiError | null) => void = () => undefined;
  private readonly files = new Map<string, Attachment>();
  private known: Record<string, string> = {};

  constructor(private readonly draftUrl: string, private readonly apiUrl: string, private readonly instanceId: string) {}

  async open(): Promise<DraftState> {
    const state = await call<DraftState & { attachments?: Record<string, string> }>(this.draftUrl);
    this.known = state.attachments ?? {};
    addEventListener("pagehide", () => { this.sendLast(); });
    addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") void this.run(); });
    addEventListener("online", () => { this.failures = 0; this.plan(0); });
    addEventListener("beforeunload", (event) => { if (this.waiting.length + this.sending.length && this.failures) event.preventDefault(); });
    return state;
  }

  onState(listener: (state: SaveState, error: ApiError | null) => void): void {
    this.listener = listener;
  }

  change(path: string, value: Value): void {
    const last = this.waiting[this.waiting.length - 1];
    if (last?.path === path) this.waiting.pop();
    this.waiting.push({ path, value, at: timestamp() });
    this.listener("saving", null);
    this.plan(this.failures ? this.pause() : DELAY);
  }

  async flush(): Promise<void> {
    while (this.waiting.length || this.sending.length) {
      const before = this.failures;
      await this.run();
      if (this.failures > before) throw new ApiError(0, "unreachable", "");
    }
  }

  private pause(): number {
    return Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(this.failures, 5)) * (0.75 + Math.random() / 2);
  }

  private plan(delay: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { void this.run(); }, delay);
  }

  private run(): Promise<void> {
    clearTimeout(this.timer);
    this.running ??= this.sendChanges().finally(() => { this.running = null; });
    return this.running;
  }

  /** One batch at a time, in order; a failed batch stays in front. */
  private async sendChanges(): Promise<void> {
    this.sending.push(...this.waiting.splice(0));
    if (!this.sending.length) return;
    const batch = this.sending.slice(0, 500);
    try {
      await sendJson(`POST`, `${this.draftUrl}/changes`, { changes: batch, device_id: this.deviceId });
      this.sending.splice(0, batch.length);
      this.failures = 0;
      if (this.waiting.length || this.sending.length) this.plan(DELAY);
      else this.listener("saved", null);
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    this.failures += 1;
    const problem = error instanceof ApiError ? error : new ApiError(0, "", String(error));
    this.listener(problem.isTemporary ? "offline" : "refused", problem);
    this.plan(this.pause());
  }

  /** The page goes away: one last try that outlives it. Sent twice is harmless, for the later change wins. */
  private sendLast(): void {
    const changes = [...this.sending, ...this.waiting];
    if (!changes.length) return;
    const isSmall = JSON.stringify(changes).length < KEEPALIVE_LIMIT;
    sendJson("POST", `${this.draftUrl}/changes`, { changes, device_id: this.deviceId }, isSmall).catch(() => undefined);
  }

  async attach(address: string, name: string, file: Blob): Promise<void> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const sha256 = await sha256Hex(bytes);
    this.files.set(name, { name, sha256, bytes, type: file.type || "application/octet-stream", isUp: false });
    this.known[name] = sha256;
    this.change(address, name);
    this.uploadAll().catch(() => undefined);
  }

  /** Sends every file the server lacks; throws when one cannot be sent now. */
  private async uploadAll(): Promise<void> {
    for (const file of this.files.values()) {
      if (file.isUp) continue;
      await sendBytes(`${this.apiUrl}/attachments/${file.sha256}`, file.bytes, file.type);
      await sendJson("PUT", `${this.draftUrl}/attachments/${encodeURIComponent(file.name)}`, { sha256: file.sha256 });
      file.isUp = true;
      file.bytes = new Uint8Array();
    }
  }

  async attachments(): Promise<Record<string, string>> {
    await this.uploadAll();
    return { ...this.known };
  }

  async submit(body: Uint8Array<ArrayBuffer>): Promise<Receipt> {
    return sendBytes<Receipt>(`${this.apiUrl}/submissions/${this.instanceId}`, body, "application/json");
  }
}

/** An author's preview: it begins as the server says, keeps what is typed on this page only, and sends nothing. */
export class PreviewStore implements Store {
  readonly deviceId = "preview";

  constructor(private readonly draftUrl: string) {}

  open(): Promise<DraftState> {
    return call<DraftState>(this.draftUrl);
  }

  change(): void {
    // An answer stays in the interview until the page is left.
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  attach(): Promise<void> {
    return Promise.resolve();
  }

  attachments(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }

  submit(): Promise<Receipt> {
    return Promise.reject(new ApiError(422, "preview", t("This is a preview: nothing is sent.")));
  }

  onState(): void {
    // Nothing is saved, so there is nothing to tell.
  }
}
