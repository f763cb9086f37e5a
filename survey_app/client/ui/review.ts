/** The last screen: every problem and every answer, each a link; then sending, once. */

import type { DraftState } from "../api";
import { ApiError } from "../api";
import { canonicalBytes, canonicalText } from "../form/canonical";
import type { CheckResult } from "../form/scoring";
import { timestamp } from "../store";
import { t } from "../texts";
import { nowText } from "./controls";
import { all, clone, find, setText } from "./dom";
import type { Page } from "./page";
import { labelOf, type Block, type Screens } from "./screens";
import { answerWords, issueWords, plain } from "./words";

export class Review {
  private isSending = false;
  private hasAccepted = false;
  /** The bytes of the last try: a retry after a lost answer must be the same, or the server takes it for another. */
  private tried: { key: string; bytes: Uint8Array<ArrayBuffer> } | null = null;
  private readonly root: HTMLElement | null;
  private readonly reasons: Record<string, string>;

  constructor(private readonly page: Page, private readonly draft: DraftState, private readonly started: string, private readonly screens: () => Screens) {
    this.root = find(page.form, "[data-review-screen]");
    this.reasons = { ...draft.reasons };
    this.root?.addEventListener("click", (event) => { this.clicked(event); });
    this.root?.addEventListener("input", (event) => { this.reasoned(event); });
  }

  private part(selector: string): HTMLElement | null {
    return this.root && find(this.root, selector);
  }

  /** Draws problems, reasons asked for, and all answers. */
  draw(): void {
    const issues = this.page.interview.issues();
    const failed = this.page.runChecks();
    this.page.showProblems(issues.map((issue) => issue.where));
    const lines = [
      ...issues.map((issue) => ({ address: issue.where, words: issueWords(this.page.interview, issue) })),
      ...failed.map((check) => ({ address: check.address, words: plain(check.message) || t("Please look at this answer again.") })),
    ];
    this.part("[data-review-clear]")?.toggleAttribute("hidden", lines.length > 0);
    this.part("[data-review-problems]")?.toggleAttribute("hidden", lines.length === 0);
    this.fill(this.part(".problems"), "[data-problem-template]", lines, (item, { address, words }) => {
      this.link(item, address, `${labelOf(this.page, address)}: ${words}`);
    });
    this.drawReasons(failed.filter((check) => check.grade === "reason"));
    this.drawAnswers();
    this.invite(issues.length, failed);
  }

  private fill<T>(target: HTMLElement | null, template: string, data: readonly T[], complete: (item: HTMLElement, one: T) => void): void {
    const source = this.part(template) as HTMLTemplateElement | null;
    if (!target || !source) return;
    target.replaceChildren(...data.map((one) => {
      const item = clone(source);
      complete(item, one);
      return item;
    }));
  }

  private link(item: HTMLElement, address: string, words: string): void {
    const link = find<HTMLAnchorElement>(item, "a");
    if (!link) return;
    link.dataset.goto = address;
    link.textContent = words;
  }

  private drawReasons(checks: CheckResult[]): void {
    all(this.root ?? document.createElement("div"), ".reason").forEach((old) => { old.remove(); });
    const source = this.part("[data-reason-template]") as HTMLTemplateElement | null;
    const before = this.part("[data-send]")?.closest(".actions");
    if (!source || !before) return;
    for (const check of checks) {
      const item = clone(source);
      const [label, field] = [find<HTMLLabelElement>(item, "label"), find<HTMLTextAreaElement>(item, "textarea")];
      if (!label || !field) continue;
      field.id = `reason-${check.name}-${check.address}`;
      field.dataset.reason = check.name;
      field.value = this.reasons[check.name] ?? "";
      label.htmlFor = field.id;
      label.textContent = `${labelOf(this.page, check.address)}: ${plain(check.message)} ${t("Please give the reason.")}`;
      before.before(item);
    }
  }

  private drawAnswers(): void {
    this.fill(this.part("[data-review-answers]"), "[data-part-template]", this.screens().sections(), (part, section) => {
      const heading = find<HTMLAnchorElement>(part, "h3 a");
      if (heading) heading.dataset.screenLink = section.name;
      setText(heading, section.title);
      this.fill(find(part, "[data-blocks]"), "[data-block-template]", section.blocks, (place, block) => { this.drawBlock(place, block); });
    });
  }

  private drawBlock(place: HTMLElement, block: Block): void {
    const { interview } = this.page;
    const heading = find(place, "h4");
    setText(heading, block.title);
    heading?.toggleAttribute("hidden", !block.title);
    this.fill(find(place, "dl"), "[data-answer-template]", block.addresses, (line, address) => {
      this.link(line, address, labelOf(this.page, address));
      const words = answerWords(interview, address);
      setText(find(line, "dd"), words || t("no answer"));
      find(line, "dd")?.classList.toggle("muted", !words);
      line.classList.toggle("invalid", interview.issueAt(address) !== null);
    });
  }

  private invite(open: number, failed: CheckResult[]): void {
    const button = this.part("[data-send]") as HTMLButtonElement | null;
    const isStopped = failed.some((check) => check.grade === "stop");
    if (button) button.disabled = isStopped;
    setText(button, open && this.hasAccepted ? t("Send with {count} open points. The office will see them and may ask back.", { count: open }) : t("Send"));
    this.note(isStopped ? t("Some answers cannot be right together. Please correct them before sending.") : "");
  }

  private note(words: string): void {
    setText(this.part("[data-send-note]"), words);
  }

  private reasoned(event: Event): void {
    const field = (event.target as Element).closest<HTMLTextAreaElement>("[data-reason]");
    if (field) this.reasons[field.dataset.reason ?? ""] = field.value.trim();
  }

  private clicked(event: Event): void {
    const target = event.target as Element;
    const [answer, screen] = [target.closest<HTMLElement>("[data-goto]"), target.closest<HTMLElement>("[data-screen-link]")];
    if (answer || screen) event.preventDefault();
    if (answer) this.screens().goTo(answer.dataset.goto ?? "");
    else if (screen) this.screens().open(screen.dataset.screenLink ?? "");
    else if (target.closest("[data-send]")) void this.send();
  }

  // -- sending --------------------------------------------------------------------------------------------------------------

  private async send(): Promise<void> {
    if (this.isSending || !this.isReady()) return;
    this.isSending = true;
    this.page.form.setAttribute("aria-busy", "true");
    try {
      this.note(t("Sending…"));
      await this.page.store.flush();
      const attachments = await this.page.store.attachments();
      await this.page.store.submit(this.body(attachments));
      this.leave();
    } catch (error) {
      await this.failed(error);
    } finally {
      this.isSending = false;
      this.page.form.removeAttribute("aria-busy");
    }
  }

  /** Open points are accepted by a second press; a reason asked for must be there. */
  private isReady(): boolean {
    const missing = all<HTMLTextAreaElement>(this.root ?? document, "[data-reason]").find((field) => !field.value.trim());
    if (missing) {
      missing.setAttribute("aria-invalid", "true");
      missing.focus();
      this.note(t("Please give the reason."));
      return false;
    }
    const open = this.page.interview.issues().length;
    if (!open || this.hasAccepted) return true;
    this.hasAccepted = true;
    const question = t("Send with {count} open points. The office will see them and may ask back.", { count: open });
    setText(this.part("[data-send]"), question);
    this.note(question);
    return false;
  }

  private body(attachments: Record<string, string>): Uint8Array<ArrayBuffer> {
    const { interview, store } = this.page;
    const used = new Set(interview.allSlots().filter((slot) => slot.isRelevant).map((slot) => slot.value));
    const fixed = {
      attachments: Object.fromEntries(Object.entries(attachments).filter(([name]) => used.has(name))),
      reasons: Object.fromEntries(Object.entries(this.reasons).filter(([, words]) => words)),
    };
    const key = canonicalText({ ...fixed, answers: interview.answers });
    if (this.tried?.key === key) return this.tried.bytes;
    for (const slot of interview.allSlots()) {
      if (slot.node.item.kind === "question" && slot.node.item.type === "end" && slot.isRelevant) interview.set(slot.address, nowText());
    }
    const bytes = canonicalBytes({
      ...fixed, answers: interview.answers, device_id: store.deviceId, finished_at: timestamp(), sent_at: timestamp(),
      form_id: interview.definition.form_id, version: interview.definition.version, instance_id: this.draft.instance_id,
      replaces: this.draft.replaces ?? null, started_at: this.draft.started_at ?? this.started,
      utc_offset_minutes: interview.clock().offset,
    });
    this.tried = { key: canonicalText({ ...fixed, answers: interview.answers }), bytes };
    return bytes;
  }

  private async failed(error: unknown): Promise<void> {
    if (error instanceof ApiError && error.status === 409) {
      const state = await this.page.store.open().catch(() => null);
      if (state?.sent) return this.leave();
    }
    const reason = error instanceof ApiError && !error.isTemporary && error.message ? error.message
      : t("There is no connection. Your answers are kept; try again when you are online.");
    this.note(t("Not sent yet. {reason}", { reason }));
  }

  private leave(): void {
    location.assign(this.page.form.dataset.receipt ?? `/collect/${this.draft.instance_id}/receipt`);
  }
}
