/** Typed calls to /api/v1 with the page's session, the CSRF token and the one shape of errors. */

import type { InstanceItem, Value } from "./form/definition";

export interface DraftState {
  instance_id: string;
  form_version_id: number | string;
  language: string;
  values: Record<string, Value>;
  rows: Record<string, string[]>;
  sent: Receipt | null;
  last_change: number;
  started_at?: string;
  replaces?: string | null;
  instances?: Record<string, InstanceItem[]>;
  form_id?: string;
  version?: string;
  reasons?: Record<string, string>;
}

export interface Receipt {
  number: string;
  instance_id: string;
  sha256: string;
  received_at: string;
  is_repeat: boolean;
}

export interface Change {
  path: string;
  value: Value;
  at: string;
}

/** The server answered, and refused. `status` 0: it was not reached. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }

  /** Whether the same request may succeed later without anybody doing anything. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

export async function call<T>(url: string, options: RequestInit = {}): Promise<T> {
  const headers = new Headers(options.headers);
  headers.set("Accept", "application/json");
  if (options.method && options.method !== "GET") headers.set("X-CSRFToken", csrfToken());
  let response: Response;
  try {
    response = await fetch(url, { ...options, headers, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "unreachable", "");
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  const error = (body as { error?: { code?: string; message?: string } } | null)?.error;
  throw new ApiError(response.ok ? 502 : response.status, error?.code ?? "", error?.message ?? "");
}

export function sendJson<T>(method: string, url: string, body: unknown, keepalive = false): Promise<T> {
  return call<T>(url, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, keepalive });
}

export function sendBytes<T>(url: string, body: BodyInit, type: string): Promise<T> {
  return call<T>(url, { method: "PUT", body, headers: { "Content-Type": type } });
}
