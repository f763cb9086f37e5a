/** Start-up: opens the draft and the form, binds them to the drawn page, and keeps the page's small promises. */

import { ApiError, call, type DraftState } from "./api";
import { AST_VERSION, type Definition, type Value } from "./form/definition";
import { loadFunctions } from "./form/loading";
import { Interview } from "./form/interview";
import { PreviewStore, ServerStore, timestamp, type SaveState, type Store } from "./store";
import { loadTexts, t } from "./texts";
import { all, find, setText } from "./ui/dom";
import { Page } from "./ui/page";
import type { Review } from "./ui/review";
import { Screens } from "./ui/screens";
import { loadWidgets, type Widget } from "./ui/widgets";

const API = "/api/v1";

/** The plain pages work without us; with us the app is better, at the same place of the same draft. */
function leavePlainPage(form: HTMLElement): void {
  const screen = /\/s\/(.+)$/.exec(location.pathname)?.[1] ?? "";
  if (recall("plain") === "1" || !form.dataset.instance) return;
  location.replace(`/collect/${form.dataset.instance}/app#${screen}`);
}

async function open(form: HTMLElement): Promise<void> {
  const { instance = "", version = "", language = "vi" } = form.dataset;
  const draftUrl = form.dataset.draft ?? `${API}/drafts/${instance}`;
  const store = form.dataset.preview === undefined ? new ServerStore(draftUrl, API, instance) : new PreviewStore(draftUrl);
  const [definition, draft] = await Promise.all([
    call<Definition>(form.dataset.bundle ?? `${API}/bundles/${version}/${language}`),
    store.open(),
  ]);
  if (draft.sent) return location.replace(form.dataset.receipt ?? `/collect/${instance}/receipt`);
  if (definition.ast > AST_VERSION) return fail(form, t("This questionnaire needs a newer version of this page. Please reload it."));
  await loadFunctions(definition);
  start(form, store, definition, draft, language, await loadWidgets(definition));
}

function start(form: HTMLElement, store: Store, definition: Definition, draft: DraftState, language: string, widgets: Widget[]): void {
  // The draft holds what the form presets: here nothing is preset again, so a default that was cleared stays cleared.
  const interview = new Interview(definition, { language, instances: draft.instances, answers: {} });
  interview.load(draft.values, draft.rows);
  store.onState((state, error) => { showSaveState(state, error); });
  settle(interview, store, draft.values);
  const page = new Page(form, interview, store, language, widgets);
  const began = timestamp();
  let review: Review | undefined;
  const screens = new Screens(page, () => { review?.draw(); });
  page.onChange = () => { screens.progress(); };
  find(form, "[data-loading]")?.remove();
  screens.start();
  bindLeaving(store);
  bringRest(async () => {
    const { Review, runChecks } = await import("./ui/rest");
    page.check = runChecks;
    review = new Review(page, draft, began, () => screens);
    if (screens.isAtReview) review.draw();
  });
}

/** What is needed after the first screen is in use; tried again until it is there, for a connection may come back. */
function bringRest(bring: () => Promise<void>, pause = 0): void {
  setTimeout(() => { bring().catch(() => { bringRest(bring, Math.min(pause + 2000, 30_000)); }); }, pause);
}

/** Takes back presets of loaded rows that were cleared, and notes the device where the form asks for it. */
function settle(interview: Interview, store: Store, saved: Record<string, Value>): void {
  for (const { node: { item }, address, value } of interview.allSlots()) {
    if (item.kind !== "question" || item.calculation !== undefined) continue;
    if (item.type === "deviceid" && value === null) {
      interview.set(address, store.deviceId);
      store.change(address, store.deviceId);
    } else if (value !== null && !(address in saved)) interview.set(address, null);
  }
}

function showSaveState(state: SaveState, error: ApiError | null): void {
  const words = { saved: t("Saved"), saving: t("Saving…"), offline: t("Not saved: no connection. We keep trying; please leave this page open."), refused: "" };
  const refusal = error?.status === 401 || error?.status === 403
    ? t("Your sign-in has ended. Sign in again in another window; your answers are kept here.")
    : t("Not saved: {reason}", { reason: error?.message ?? "" });
  const place = find(document, "[data-save-state]");
  setText(place, state === "refused" ? refusal : words[state]);
  place?.classList.toggle("error", state === "offline" || state === "refused");
}

/** Leaving by a link or by another language waits until all is saved; the language keeps the screen. */
function bindLeaving(store: Store): void {
  for (const form of all<HTMLFormElement>(document, 'form[action$="/language"]')) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { submitter } = event as SubmitEvent;
      const next = form.elements.namedItem("next");
      if (next instanceof HTMLInputElement) next.value = location.pathname + location.search + location.hash;
      const leave = (): void => {
        const choice = Object.assign(document.createElement("input"), { type: "hidden", name: "language", value: (submitter as HTMLButtonElement | null)?.value ?? "" });
        form.append(choice);
        form.submit();
      };
      store.flush().then(leave, leave);
    });
  }
  find(document, "[data-plain-link]")?.addEventListener("click", (event) => {
    event.preventDefault();
    remember("plain", "1");
    const { href } = event.currentTarget as HTMLAnchorElement;
    const go = (): void => { location.assign(href); };
    store.flush().then(go, go);
  });
}

function remember(key: string, value: string): void {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still shows the pages.
  }
}

function recall(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function fail(form: HTMLElement, words: string): void {
  const place = find(form, "[data-loading]");
  setText(place, words);
  place?.setAttribute("role", "alert");
}

/** The receipt page's two buttons that need a script. */
function bindReceipt(): void {
  const share = find(document, "[data-share]");
  const print = find(document, "[data-print]");
  if (share && "share" in navigator) {
    share.hidden = false;
    share.addEventListener("click", () => { navigator.share({ title: share.dataset.shareTitle, url: location.href }).catch(() => undefined); });
  }
  if (!print) return;
  print.hidden = false;
  print.addEventListener("click", () => { globalThis.print(); });
}

/** Without HTTPS a browser keeps nothing for offline work and withholds place and camera: say so, and go on online. */
function warnIfInsecure(): void {
  const note = find(document, "[data-insecure]");
  if (note && !globalThis.isSecureContext) note.hidden = false;
}

const form = find(document, "#interview");
warnIfInsecure();
loadTexts(find(document, "#texts")?.textContent || "{}");
bindReceipt();
if (form?.dataset.mode === "plain") leavePlainPage(form);
else if (form) {
  open(form).catch((error: unknown) => {
    const refused = error instanceof ApiError && !error.isTemporary && error.message;
    if (!(error instanceof ApiError)) console.error(error);
    fail(form, refused || t("The questionnaire could not be opened. Please use the simple version of these pages."));
  });
}
