/** Binds an interview to the drawn questions: one look-up per address, and only what an answer changed is touched. */

import type { Value } from "../form/definition";
import { isNumeric } from "../form/definition";
import type { Interview } from "../form/interview";
import { echo, readNumber } from "../form/numbers";
import type { CheckResult } from "../form/scoring";
import type { Store } from "../store";
import { t } from "../texts";
import type { Capture } from "./capture";
import { bindControl, type Control } from "./controls";
import { all, find, focusOn, setText } from "./dom";
import { Fills } from "./fills";
import { unfold } from "./mount";
import { Repeats } from "./repeats";
import type { Widget } from "./widgets";
import { echoOf, issueWords, moneyWords, plain, typedText } from "./words";

interface View {
  element: HTMLElement;
  address: string;
  control: Control | null;
  fields: (HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement | HTMLButtonElement)[];
  unit: HTMLElement | null;
  optional: HTMLElement | null;
  echo: HTMLElement | null;
  error: HTMLElement | null;
  hasFilter: boolean;
  isShowing: boolean;
}

export class Page implements Capture {
  readonly repeats: Repeats;
  private readonly fills: Fills;
  private readonly views = new Map<string, View>();
  private readonly frames = new Map<string, HTMLElement>();
  private checks = new Map<string, CheckResult>();
  /** Looks for soft contradictions; nothing is found until it is loaded. */
  check: (interview: Interview) => CheckResult[] = () => [];
  /** Called after every change with the addresses it touched. */
  onChange: (changed: Set<string>) => void = () => undefined;

  constructor(readonly form: HTMLElement, readonly interview: Interview, readonly store: Store, readonly language: string, private readonly widgets: readonly Widget[] = []) {
    this.fills = new Fills(interview);
    this.repeats = new Repeats(this);
    form.addEventListener("input", (event) => { this.heard(event); });
    form.addEventListener("change", (event) => { this.heard(event); });
    form.addEventListener("click", (event) => { this.clicked(event); });
    form.addEventListener("focusout", (event) => { this.left(event); });
    form.addEventListener("submit", (event) => { event.preventDefault(); });
  }

  // -- knowing the drawn elements -----------------------------------------------------------------------------------------

  /** Brings a screen into the page when it is first needed. */
  mount(section: HTMLElement): void {
    if (!unfold(section)) return;
    this.register(section);
    this.refresh(section);
    for (const address of this.checks.keys()) {
      const view = this.views.get(address);
      if (view && !view.isShowing) this.showProblem(view);
    }
  }

  /** Looks at newly drawn HTML once; afterwards every address is a map look-up. */
  register(root: HTMLElement): void {
    this.fills.register(root);
    for (const element of all(root, "[data-question],[data-group],[data-repeat]")) {
      const address = element.dataset.address ?? "";
      if (element.dataset.question === undefined) this.frames.set(address, element);
      else this.views.set(address, this.view(element, address));
    }
  }

  private view(element: HTMLElement, address: string): View {
    const question = this.interview.question(address);
    const own = <T extends Element>(selector: string): T[] => all<T>(element, selector).filter((one) => one.closest("[data-question]") === element);
    return {
      element, address,
      control: question ? bindControl(element, address, question, { interview: this.interview, language: this.language, capture: this, widgets: this.widgets }) : null,
      fields: own("input,select,textarea,button"),
      unit: own<HTMLElement>("[data-unit]")[0] ?? null,
      optional: own<HTMLElement>("[data-optional]")[0] ?? null,
      echo: question && isNumeric(question) ? (own<HTMLElement>(".echo")[0] ?? null) : null,
      error: own<HTMLElement>(".error")[0] ?? null,
      hasFilter: question?.choice_filter !== undefined || own("[data-list],[data-filter]").length > 0 || question?.parameters?.randomize === "true",
      isShowing: false,
    };
  }

  /** Forgets everything below an address that was taken out of the page. */
  forget(prefix: string): void {
    this.fills.forget(prefix);
    for (const map of [this.views, this.frames]) {
      for (const address of map.keys()) if (address.startsWith(prefix)) map.delete(address);
    }
  }

  element(address: string): HTMLElement | null {
    return this.views.get(address)?.element ?? this.frames.get(address) ?? null;
  }

  /** Shows a new screen or a new row. */
  refresh(root: HTMLElement): void {
    for (const element of all(root, "[data-question],[data-group],[data-repeat]")) {
      const address = element.dataset.address ?? "";
      if (this.views.has(address)) this.update(address, true);
      else this.updateFrame(address);
      this.fills.refresh(address);
    }
  }

  // -- answers --------------------------------------------------------------------------------------------------------------

  /** Takes an answer from outside a field: a photo's name, a position. */
  answer(address: string, value: Value): void {
    const view = this.views.get(address);
    this.take(address, value);
    view?.control?.show(value);
    if (view?.isShowing) this.showProblem(view);
  }

  problem(address: string, message: string): void {
    const view = this.views.get(address);
    if (view) this.say(view, message, true);
  }

  attach(address: string, name: string, file: Blob): Promise<void> {
    return this.store.attach(address, name, file);
  }

  fileUrl(name: string): string {
    return `${this.form.dataset.draft ?? ""}/attachments/${encodeURIComponent(name)}`;
  }

  moveOn(address: string): void {
    const here = this.element(address);
    const screen = here?.closest<HTMLElement>("[data-screen]");
    if (!here || !screen || screen.hidden) return;
    const asked = all(screen, "[data-question]").filter((one) => !one.closest("[hidden]"));
    const next = asked[asked.indexOf(here) + 1];
    if (next) this.goTo(next.dataset.address ?? "");
    else find(this.form, "[data-next-screen]")?.click();
  }

  private heard(event: Event): void {
    const target = event.target as HTMLInputElement;
    // A file is announced twice; taken twice it would be sent twice.
    if (event.type === "input" && target.type === "file") return;
    const view = this.viewOf(target);
    const value = view?.control?.read(target);
    if (!view || value === undefined) return;
    this.take(view.address, value);
    this.updateEcho(view);
    if (view.isShowing) this.showProblem(view);
  }

  private take(address: string, value: Value): void {
    if (this.interview.value(address) === value) return;
    this.interview.set(address, value);
    this.store.change(address, value);
    const changed = this.interview.changed();
    for (const other of changed) this.keepTriggered(other, address);
    this.apply(changed, address);
  }

  /** A value set by a trigger (a time stamp, a random number) is kept as it came out here. */
  private keepTriggered(address: string, cause: string): void {
    const question = this.interview.question(address);
    if (address !== cause && question?.actions?.some((action) => action.trigger)) this.store.change(address, this.interview.value(address));
  }

  /** Brings the page up to date with what a change touched. */
  apply(changed: Set<string>, typed = ""): void {
    for (const address of changed) {
      if (this.views.has(address)) this.update(address, address !== typed);
      else this.updateFrame(address);
      this.fills.refresh(address);
    }
    this.repeats.retitle(changed);
    this.onChange(changed);
  }

  private viewOf(target: Element): View | undefined {
    return this.views.get(target.closest<HTMLElement>("[data-question]")?.dataset.address ?? "");
  }

  private clicked(event: Event): void {
    const target = event.target as HTMLElement;
    const reading = target.closest<HTMLElement>("[data-reading]");
    if (target.closest("[data-move]")) this.heard(event);
    else if (reading) this.chooseReading(reading);
    else this.repeats.clicked(target);
  }

  private left(event: FocusEvent): void {
    const view = this.viewOf(event.target as Element);
    const next = event.relatedTarget as Element | null;
    // Nothing is judged before it was touched, and not while focus stays inside the same question.
    if (view && !(next?.closest("[data-question]") === view.element && !next.closest(".evidence"))) this.judge(view);
  }

  private judge(view: View): void {
    const value = this.interview.value(view.address);
    if (value === null && !view.isShowing) return;
    const control = view.fields.find((field) => field.name === view.address && field.classList.contains("number"));
    if (control && typeof value === "number") view.control?.show(value);
    this.showProblem(view);
    this.offerReadings(view);
    this.runChecks();
  }

  // -- showing ----------------------------------------------------------------------------------------------------------------

  private update(address: string, withValue: boolean): void {
    const view = this.views.get(address);
    if (!view) return;
    const { interview } = this;
    const isRelevant = interview.isRelevant(address);
    view.element.hidden = !isRelevant;
    const question = interview.question(address);
    const isClosed = interview.isReadOnly(address);
    for (const field of view.fields) {
      if ("readOnly" in field && !["checkbox", "radio", "file", "range"].includes(field.type)) field.readOnly = isClosed;
      else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.disabled = isClosed || !isRelevant;
      if (!isClosed || field instanceof HTMLButtonElement) field.disabled = isClosed || !isRelevant;
    }
    if (!isRelevant || !question) return;
    if (view.unit) setText(view.unit, interview.unit(address));
    this.updateRequired(view);
    if (view.hasFilter) view.control?.offer?.(interview.choices(address));
    if (withValue) view.control?.show(interview.value(address));
    this.updateEcho(view);
    if (view.isShowing) this.showProblem(view);
  }

  private updateRequired(view: View): void {
    const isRequired = this.interview.isRequired(view.address);
    view.optional?.toggleAttribute("hidden", isRequired || this.interview.isReadOnly(view.address));
    for (const field of view.fields) {
      if (field.name !== view.address || ["hidden", "checkbox", "radio"].includes(field.type)) continue;
      if (isRequired) field.setAttribute("aria-required", "true");
      else field.removeAttribute("aria-required");
    }
  }

  private updateFrame(address: string): void {
    const frame = this.frames.get(address);
    if (!frame) return;
    frame.hidden = !this.interview.isRelevant(address);
    if (frame.dataset.repeat !== undefined) this.repeats.draw(address);
  }

  private updateEcho(view: View): void {
    if (view.echo) setText(view.echo, echoOf(this.interview, view.address));
    find(view.element, ".readings")?.remove();
  }

  /** Shows or takes away the message under a question; true when something is wrong. */
  showProblem(view: View): boolean {
    const issue = this.interview.issueAt(view.address);
    const check = issue ? undefined : this.checks.get(view.address);
    view.isShowing = true;
    const message = issue ? issueWords(this.interview, issue) : check ? plain(check.message) || t("Please look at this answer again.") : "";
    this.say(view, message, issue !== null || check?.grade === "stop");
    return issue !== null;
  }

  private say(view: View, message: string, isWrong: boolean): void {
    if (!view.error) return;
    setText(view.error, message);
    view.error.hidden = !message;
    view.error.classList.toggle("soft", Boolean(message) && !isWrong);
    view.element.classList.toggle("invalid", isWrong && Boolean(message));
    for (const field of view.fields) {
      if (field.name === view.address && isWrong && message) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }

  /** Shows every message of these addresses; gives back those that are wrong. */
  showProblems(addresses: Iterable<string>): string[] {
    return [...addresses].filter((address) => {
      const view = this.views.get(address);
      return view ? this.showProblem(view) : false;
    });
  }

  /** Soft checks are looked at when a question is left, never while typing. */
  runChecks(): CheckResult[] {
    if (!this.interview.definition.checks?.length) return [];
    const failed = this.check(this.interview).filter((check) => !check.holds);
    const before = this.checks;
    this.checks = new Map(failed.map((check) => [check.address, check]));
    for (const address of new Set([...before.keys(), ...this.checks.keys()])) {
      const view = this.views.get(address);
      if (view && before.get(address)?.message !== this.checks.get(address)?.message) this.showProblem(view);
    }
    return failed;
  }

  // -- a number with two readings -----------------------------------------------------------------------------------------------

  private offerReadings(view: View): void {
    const { interview } = this;
    const typed = interview.value(view.address);
    const question = interview.question(view.address);
    if (typeof typed !== "string" || !question || !isNumeric(question)) return;
    const { candidates } = readNumber(typedText(typed), this.language);
    if (candidates.length < 2) return;
    this.say(view, t("This can be read in two ways. Please choose one:"), true);
    const box = document.createElement("div");
    box.className = "readings actions";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", t("Which number do you mean?"));
    box.append(...candidates.map((candidate) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "quiet", textContent: echo(candidate, interview.unit(view.address), this.language, moneyWords()) });
      button.dataset.reading = String(candidate);
      return button;
    }));
    (view.error ?? view.element.lastElementChild)?.after(box);
  }

  private chooseReading(button: HTMLElement): void {
    const view = this.viewOf(button);
    if (!view) return;
    this.answer(view.address, Number(button.dataset.reading));
    this.updateEcho(view);
    focusOn(view.fields.find((field) => field.name === view.address) ?? null);
  }

  /** Brings a question into sight and focus. */
  goTo(address: string): void {
    const element = this.element(address);
    if (!element) return;
    for (let box = element.closest("details"); box; box = box.parentElement?.closest("details") ?? null) box.open = true;
    const fields = all(element, "input:not([type=hidden],[disabled],[type=search]),select,textarea,button:not([disabled]),fieldset");
    const field = fields.find((one) => one.matches(":checked") && isInSight(one)) ?? fields.find((one) => one.tagName !== "FIELDSET" && isInSight(one)) ?? fields[0];
    element.scrollIntoView({ block: "center" });
    (field ?? element).focus({ preventScroll: true });
  }
}

const isInSight = (element: HTMLElement): boolean => element.getClientRects().length > 0;
