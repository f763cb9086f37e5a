/** One screen at a time: back and next, progress, the browser's history, the summary of what is wrong. */

import type { Page } from "./page";
import { t } from "../texts";
import { all, find, setText } from "./dom";
import { contentOf } from "./mount";
import { issueWords } from "./words";

export const REVIEW = "review";

/** Answers that stand together on the review page: of one group, or of one row of a repeat. */
export interface Block {
  title: string;
  addresses: string[];
}

export interface Section {
  name: string;
  title: string;
  blocks: Block[];
}

interface ScreenView {
  name: string;
  element: HTMLElement;
  /** What decides whether the screen is asked: looked up once, the rows of repeats left out. */
  addresses: string[];
}

export class Screens {
  private readonly screens: ScreenView[];
  private readonly title = document.title;
  private readonly foot: { bar: HTMLProgressElement | null; words: HTMLElement | null; next: HTMLElement | null; back: HTMLElement | null };
  private current = "";
  /** Where progress stood when it was last shown. */
  private reached = "";
  private pressed = "";

  constructor(private readonly page: Page, private readonly drawReview: () => void) {
    this.screens = all(page.form, "section[data-screen]").map((element) => ({
      name: element.dataset.screen ?? "",
      element,
      addresses: all(contentOf(element), "[data-question],[data-repeat]").map((one) => one.dataset.address ?? one.dataset.question ?? ""),
    }));
    const within = (selector: string): HTMLElement | null => find(page.form, selector);
    this.foot = { bar: find(page.form, "progress"), words: within("[data-progress-text]"), next: within("[data-next-screen]"), back: within("[data-back]") };
    this.bind("[data-back]", () => { this.step(-1); });
    this.bind("[data-next-screen]", () => { this.next(); });
    find(page.form, "#summary")?.addEventListener("click", (event) => { this.follow(event); });
    addEventListener("popstate", () => { this.show(this.fromAddress()); });
    addEventListener("hashchange", () => { if (this.fromAddress() !== this.current) this.show(this.fromAddress()); });
  }

  get isAtReview(): boolean {
    return this.current === REVIEW;
  }

  private bind(selector: string, act: () => void): void {
    find(this.page.form, selector)?.addEventListener("click", act);
  }

  start(): void {
    this.show(this.fromAddress(), false);
    history.replaceState({ screen: this.current }, "", `#${encodeURIComponent(this.current)}`);
  }

  private fromAddress(): string {
    return decodeURIComponent(location.hash.slice(1));
  }

  /** Screens with something to ask now. */
  private asked(): ScreenView[] {
    return this.screens.filter((screen) => screen.addresses.some((address) => this.page.interview.isRelevant(address)));
  }

  private names(): string[] {
    return [...this.asked().map((screen) => screen.name), REVIEW];
  }

  show(name: string, withFocus = true): void {
    const names = this.names();
    this.current = names.includes(name) ? name : (names[0] ?? REVIEW);
    this.pressed = "";
    for (const screen of this.current === REVIEW ? this.asked() : this.screens.filter((one) => one.name === this.current)) this.page.mount(screen.element);
    for (const screen of this.screens) screen.element.hidden = screen.name !== this.current;
    const review = find(this.page.form, "[data-review-screen]");
    review?.toggleAttribute("hidden", this.current !== REVIEW);
    if (this.current === REVIEW) this.drawReview();
    this.hideSummary();
    this.progress();
    const shown = this.current === REVIEW ? review : this.screens.find((screen) => screen.name === this.current)?.element;
    const heading = shown ? find(shown, "h2") : null;
    document.title = `${heading?.textContent ?? ""} – ${this.title}`;
    if (withFocus) {
      scrollTo(0, 0);
      heading?.focus({ preventScroll: true });
    }
  }

  progress(): void {
    const names = this.names();
    const at = names.indexOf(this.current);
    const { bar, words, next, back } = this.foot;
    const key = `${at} ${names.length}`;
    if (key === this.reached) return;
    this.reached = key;
    if (bar) {
      bar.max = names.length;
      bar.value = at + 1;
    }
    setText(words, t("Part {number}/{total}", { number: at + 1, total: names.length }));
    setText(next, at === names.length - 2 ? t("Review") : t("Next"));
    next?.toggleAttribute("hidden", this.current === REVIEW);
    back?.toggleAttribute("disabled", at <= 0);
  }

  private step(by: number): void {
    const names = this.names();
    this.open(names[names.indexOf(this.current) + by] ?? this.current);
  }

  /** Goes to a screen as a visit of its own, so that the browser's back button returns. */
  open(name: string): void {
    if (name === this.current) return;
    history.pushState({ screen: name }, "", `#${encodeURIComponent(name)}`);
    this.show(name);
  }

  /** Next: what is wrong is shown once; a second press goes on, for answers may be corrected later. */
  private next(): void {
    const screen = this.screens.find((one) => one.name === this.current);
    this.page.runChecks();
    const wrong = screen ? this.page.showProblems(this.questionsOf(screen)) : [];
    const { interview } = this.page;
    // The same faults pressed twice may wait until sending; a new one stops again.
    const key = wrong.map((address) => `${address} ${interview.issueAt(address)?.code} ${interview.value(address)}`).join("\n");
    if (!wrong.length || key === this.pressed) return this.step(1);
    this.pressed = key;
    this.showSummary(wrong);
  }

  private questionsOf(screen: ScreenView): string[] {
    return all(screen.element, "[data-question]").map((one) => one.dataset.address ?? "");
  }

  private showSummary(addresses: string[]): void {
    const summary = find(this.page.form, "#summary");
    const list = summary && find(summary, "ul");
    if (!summary || !list) return;
    list.replaceChildren(...addresses.map((address) => {
      const [item, link] = [document.createElement("li"), document.createElement("a")];
      const issue = this.page.interview.issueAt(address);
      link.href = `#${encodeURIComponent(this.current)}`;
      link.dataset.goto = address;
      link.textContent = `${labelOf(this.page, address)}: ${issue ? issueWords(this.page.interview, issue) : ""}`;
      item.append(link);
      return item;
    }));
    summary.hidden = false;
    summary.focus();
    summary.scrollIntoView({ block: "start" });
  }

  private hideSummary(): void {
    find(this.page.form, "#summary")?.setAttribute("hidden", "");
  }

  private follow(event: Event): void {
    const link = (event.target as Element).closest<HTMLElement>("[data-goto]");
    if (!link) return;
    event.preventDefault();
    this.goTo(link.dataset.goto ?? "");
  }

  /** Opens the screen of a question and puts focus on it. */
  goTo(address: string): void {
    const name = this.page.element(address)?.closest<HTMLElement>("[data-screen]")?.dataset.screen;
    if (name) this.open(name);
    this.page.goTo(address);
  }

  /** What was asked, section by section; screens that share a heading (one question a screen) stand together. */
  sections(): Section[] {
    const sections: Section[] = [];
    for (const { name, element } of this.asked()) {
      const title = find(element, "h2")?.textContent?.trim() ?? "";
      let section = sections[sections.length - 1];
      if (section?.title !== title) sections.push(section = { name, title, blocks: [] });
      for (const question of all(element, "[data-question]")) this.addTo(section.blocks, question);
    }
    return sections;
  }

  private addTo(blocks: Block[], question: HTMLElement): void {
    const address = question.dataset.address ?? "";
    if (!this.page.interview.isRelevant(address) || question.dataset.type === "note" || find(question, ".table-head")) return;
    if (question.closest(".evidence") && this.page.interview.value(address) === null) return; // offered, not asked for
    const title = blockTitle(question.closest<HTMLElement>("li.row, fieldset.group"));
    const last = blocks[blocks.length - 1];
    if (last?.title === title) last.addresses.push(address);
    else blocks.push({ title, addresses: [address] });
  }
}

/** "Machines – 2: Boiler" for a row of a repeat, the legend for a group, "" for what stands in neither. */
function blockTitle(frame: HTMLElement | null): string {
  const words = (root: ParentNode | null | undefined, selector: string): string => (root ? find(root, selector)?.textContent?.trim() : "") ?? "";
  if (!frame?.matches("li.row")) return words(frame, ":scope > legend");
  const called = words(frame, "[data-row-title]");
  return `${words(frame.closest("[data-repeat]"), ":scope > h3")} – ${words(frame, "[data-row-number]")}${called ? `: ${called}` : ""}`;
}

/** A question's label as it is drawn, without the mark "(optional)". */
export function labelOf(page: Page, address: string): string {
  const drawn = document.getElementById(`L-${address}`)?.cloneNode(true) as HTMLElement | undefined;
  drawn?.querySelector("[data-optional]")?.remove();
  return drawn?.textContent?.replace(/\s+/g, " ").trim() || (page.interview.question(address)?.name ?? "");
}
