/**
 * A map that needs no tiles: a grid in metres, a scale, one's own position and the points, drawn as SVG.
 *
 * Everything a finger can do the buttons below it do too; the typed coordinates are a third way to the same answer.
 */

import { formatNumber } from "../form/numbers";
import { numberText } from "../form/expressions";
import type { Choice, Question, Value } from "../form/definition";
import { t } from "../texts";
import { locate, pointText } from "./capture";
import type { Control, Surroundings } from "./controls";
import { all, find, setText } from "./dom";
import { area, length, moved, offset, pointsOf, roundBelow, type Metres, type Place } from "./geo";
import type { Point } from "./points";
import type { Widget } from "./widgets";
import { plain } from "./words";

const HEIGHT = 300;
const NEAR = 24; // pixels: as near as a finger hits
const NARROWEST = 0.02; // metres a pixel
const WIDEST = 20_000;
const START = 2;
const DIGITS = 7; // of a coordinate: a centimetre

interface Shape {
  name: string;
  label: string;
  points: Point[];
}

interface Actions {
  tapped(at: Place, near: number | null): void;
  dragged(index: number, to: Place): void;
  dropped(): void;
}

function svg(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

/** The picture: where it looks, and what is drawn on it. */
class Picture {
  readonly root = svg("svg", { class: "map-picture", role: "img", height: HEIGHT });
  points: Point[] = [];
  shapes: Shape[] = [];
  selected = -1;
  line: "none" | "open" | "closed" = "none";
  chosen = "";
  /** Whether a place can be set at the middle. */
  hasCross = false;
  own: Point | null = null;
  private origin: Place | null = null;
  private middle: Metres = { east: 0, north: 0 };
  private scale = START;
  private width = 320;

  constructor(private readonly language: string, private readonly actions: Actions) {
    this.listen();
  }

  /** The place in the middle. */
  get centre(): Place {
    return moved(this.base, this.middle);
  }

  private get base(): Place {
    return this.origin ?? { lat: 0, lon: 0 };
  }

  get isPlaced(): boolean {
    return this.origin !== null;
  }

  resize(width: number): void {
    if (width < 10 || width === this.width) return;
    this.width = width;
    this.draw();
  }

  zoom(factor: number): void {
    this.scale = Math.min(WIDEST, Math.max(NARROWEST, this.scale * factor));
    this.draw();
  }

  pan(right: number, down: number): void {
    this.middle = { east: this.middle.east + right * this.scale, north: this.middle.north - down * this.scale };
    this.draw();
  }

  lookAt(place: Place): void {
    this.origin ??= place;
    this.middle = offset(this.base, place);
    this.draw();
  }

  /** Looks so that all of these are in sight. */
  fit(points: readonly Point[]): void {
    const [first] = points;
    if (!first) return this.draw();
    this.origin = { lat: first[0], lon: first[1] };
    const places = points.map(([lat, lon]) => offset(this.base, { lat, lon }));
    const range = (of: (place: Metres) => number): [number, number] => [Math.min(...places.map(of)), Math.max(...places.map(of))];
    const [[west, east], [south, north]] = [range((one) => one.east), range((one) => one.north)];
    this.middle = { east: (west + east) / 2, north: (south + north) / 2 };
    const needed = Math.max((east - west) / (this.width - 80), (north - south) / (HEIGHT - 90));
    if (needed > 0) this.scale = Math.min(WIDEST, Math.max(NARROWEST, needed));
    this.draw();
  }

  private at({ lat, lon }: Place): [x: number, y: number] {
    const { east, north } = offset(this.base, { lat, lon });
    return [this.width / 2 + (east - this.middle.east) / this.scale, HEIGHT / 2 - (north - this.middle.north) / this.scale];
  }

  private placeAt(x: number, y: number): Place {
    return moved(this.base, { east: this.middle.east + (x - this.width / 2) * this.scale, north: this.middle.north - (y - HEIGHT / 2) * this.scale });
  }

  private xy([lat, lon]: Point): [number, number] {
    return this.at({ lat, lon });
  }

  // -- drawing ------------------------------------------------------------------------------------------------------------

  draw(): void {
    this.root.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const parts = [this.grid(), ...this.cross(), ...this.shapes.flatMap((shape) => this.shape(shape)), ...this.path(), ...this.ownPosition(), ...this.marks()];
    this.root.replaceChildren(...parts, ...this.ruler());
  }

  private cross(): SVGElement[] {
    return this.hasCross ? [svg("path", { class: "map-cross", d: `M${this.width / 2 - 14} ${HEIGHT / 2}h28m-14-14v28` })] : [];
  }

  private grid(): SVGElement {
    const step = roundBelow(this.scale * 120);
    const lines: string[] = [];
    const [left, top] = [this.middle.east - (this.width / 2) * this.scale, this.middle.north + (HEIGHT / 2) * this.scale];
    for (let east = Math.ceil(left / step) * step; (east - left) / this.scale < this.width; east += step) lines.push(`M${(east - left) / this.scale} 0V${HEIGHT}`);
    for (let north = Math.floor(top / step) * step; (top - north) / this.scale < HEIGHT; north -= step) lines.push(`M0 ${(top - north) / this.scale}H${this.width}`);
    return svg("path", { class: "map-grid", d: lines.join("") });
  }

  private ruler(): SVGElement[] {
    const metres = roundBelow(this.scale * this.width * 0.4);
    const words = metres >= 1000 ? `${formatNumber(metres / 1000, this.language)} km` : `${formatNumber(metres, this.language)} m`;
    return [
      svg("path", { class: "map-ruler", d: `M12 ${HEIGHT - 18}v6h${metres / this.scale}v-6` }),
      svg("text", { class: "map-words", x: 16, y: HEIGHT - 18 }, words),
      svg("path", { class: "map-north", d: `M${this.width - 20} 34v-20l-5 8m5-8l5 8` }),
    ];
  }

  private path(): SVGElement[] {
    if (this.line === "none" || this.points.length < 2) return [];
    const d = this.points.map((point, index) => `${index ? "L" : "M"}${this.xy(point).join(" ")}`).join("");
    return [svg("path", { class: "map-line", d: this.line === "closed" ? `${d}Z` : d })];
  }

  private marks(): SVGElement[] {
    return this.points.flatMap((point, index) => {
      const [x, y] = this.xy(point);
      const marks = [svg("circle", { class: index === this.selected ? "map-point chosen" : "map-point", cx: x, cy: y, r: 12 })];
      if (this.line !== "none") marks.push(svg("text", { class: "map-number", x, y: y + 4.5 }, String(index + 1)));
      return marks;
    });
  }

  private ownPosition(): SVGElement[] {
    if (!this.own) return [];
    const [cx, cy] = this.xy(this.own);
    return [svg("circle", { class: "map-around", cx, cy, r: Math.min(this.own[3] / this.scale, 2000) }), svg("circle", { class: "map-own", cx, cy, r: 7 })];
  }

  private shape({ name, label, points }: Shape): SVGElement[] {
    const look = name === this.chosen ? "map-place chosen" : "map-place";
    const places = points.map((point) => this.xy(point));
    const [x, y] = [places.reduce((sum, [one]) => sum + one, 0) / places.length, places.reduce((sum, [, one]) => sum + one, 0) / places.length];
    const isClosed = places.length > 3 && String(places[0]) === String(places[places.length - 1]);
    const body = places.length === 1
      ? svg("circle", { class: look, cx: x, cy: y, r: 12 })
      : svg("path", { class: isClosed ? look : `${look} open`, d: places.map((place, index) => `${index ? "L" : "M"}${place.join(" ")}`).join("") });
    return [body, svg("text", { class: "map-words name", x, y: y - (places.length === 1 ? 18 : 0) }, label)];
  }

  // -- fingers and mouse ----------------------------------------------------------------------------------------------------

  private nearest(x: number, y: number): number | null {
    const marked = this.shapes.length ? this.shapes.map(({ points }) => points) : this.points.map((point) => [point]);
    const far = marked.map((points) => Math.min(...points.map((point) => Math.hypot(this.xy(point)[0] - x, this.xy(point)[1] - y))));
    const least = Math.min(...far);
    return least <= NEAR ? far.indexOf(least) : null;
  }

  private listen(): void {
    const down = new Map<number, [x: number, y: number]>();
    let start: [number, number] | null = null;
    let grabbed: number | null = null;
    const at = (event: PointerEvent): [number, number] => {
      const box = this.root.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.root.addEventListener("pointerdown", (event) => {
      this.root.setPointerCapture(event.pointerId);
      down.set(event.pointerId, at(event));
      start = down.size === 1 ? at(event) : null;
      const near = down.size === 1 && !this.shapes.length ? this.nearest(...at(event)) : null;
      grabbed = near !== null && near === this.selected ? near : null;
    });
    this.root.addEventListener("pointermove", (event) => {
      const before = down.get(event.pointerId);
      if (!before) return;
      const now = at(event);
      if (start && Math.hypot(now[0] - start[0], now[1] - start[1]) > 8) start = null;
      if (start) return;
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      if (other) this.zoom(Math.hypot(before[0] - other[0], before[1] - other[1]) / Math.max(1, Math.hypot(now[0] - other[0], now[1] - other[1])));
      else if (grabbed !== null) this.actions.dragged(grabbed, this.placeAt(...now));
      else this.pan(before[0] - now[0], before[1] - now[1]);
      down.set(event.pointerId, now);
    });
    const up = (event: PointerEvent): void => {
      if (!down.delete(event.pointerId)) return;
      if (start && event.type === "pointerup") this.actions.tapped(this.placeAt(...start), this.nearest(...start));
      else if (grabbed !== null) this.actions.dropped();
      start = null;
      grabbed = null;
    };
    this.root.addEventListener("pointerup", up);
    this.root.addEventListener("pointercancel", up);
    this.root.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
    }, { passive: false });
  }
}

/** Puts the picture into its place, binds the buttons that look around, and draws once it has a width. */
function place(box: HTMLElement, picture: Picture): void {
  find(box, "[data-map-frame]")?.append(picture.root);
  const looks: Record<string, () => void> = {
    in: () => { picture.zoom(0.5); }, out: () => { picture.zoom(2); },
    west: () => { picture.pan(-60, 0); }, east: () => { picture.pan(60, 0); },
    north: () => { picture.pan(0, -60); }, south: () => { picture.pan(0, 60); },
  };
  box.addEventListener("click", (event) => { looks[(event.target as Element).closest<HTMLElement>("[data-look]")?.dataset.look ?? ""]?.(); });
  new ResizeObserver(() => { picture.resize(box.clientWidth); }).observe(box);
}

const rounded = (degrees: number): string => numberText(Number(degrees.toFixed(DIGITS)));
const typed = ({ lat, lon }: Place): string => `${rounded(lat)} ${rounded(lon)} 0 0`;

/** A point, a line or an area set on the map. */
class Editor {
  private readonly picture: Picture;
  private value = "";

  constructor(private readonly box: HTMLElement, private readonly address: string, private readonly question: Question, private readonly around: Surroundings) {
    this.picture = new Picture(around.language, {
      tapped: (at, near) => { this.tapped(at, near); },
      dragged: (index, to) => { if (!this.isClosed) this.put(this.texts().map((text, place) => (place === index ? typed(to) : text)), index, false); },
      dropped: () => { if (!this.isClosed) this.save(); },
    });
    this.picture.line = question.type === "geotrace" ? "open" : question.type === "geoshape" ? "closed" : "none";
    this.picture.hasCross = this.mayPlace;
    place(box, this.picture);
    box.addEventListener("click", (event) => { this.pressed((event.target as Element).closest<HTMLElement>("[data-act]")?.dataset.act ?? ""); });
    this.show(null);
  }

  private get isSingle(): boolean {
    return this.question.type === "geopoint";
  }

  private get isShape(): boolean {
    return this.question.type === "geoshape";
  }

  private get isClosed(): boolean {
    return this.around.interview.isReadOnly(this.address);
  }

  private get mayPlace(): boolean {
    return !this.isSingle || (this.question.appearance ?? "").includes("placement-map");
  }

  /** The points as stored, an area without the one that closes it. */
  private texts(): string[] {
    const texts = this.value.split(";").map((text) => text.trim()).filter(Boolean);
    const isClosed = this.isShape && texts.length > 3 && pairOf(texts[0]) === pairOf(texts[texts.length - 1]);
    return isClosed ? texts.slice(0, -1) : texts;
  }

  show(value: Value): void {
    const isOurs = this.picture.isPlaced && this.value === String(value ?? "");
    this.value = String(value ?? "");
    this.picture.points = pointsOf(this.texts().join(";"));
    this.picture.selected = Math.min(this.picture.selected, this.picture.points.length - 1);
    if (this.isSingle && this.picture.points.length) this.picture.selected = 0;
    if (isOurs) this.picture.draw();
    else this.picture.fit(this.picture.points.length ? this.picture.points : this.known());
    this.tell();
  }

  /** A place answered elsewhere in the form, to begin with. */
  private known(): Point[] {
    const { interview } = this.around;
    const found = Object.entries(interview.allValues).find(([address]) => /geopoint$/.test(interview.question(address)?.type ?? ""));
    return found && !this.picture.isPlaced ? pointsOf(String(found[1])) : [];
  }

  private tapped(at: Place, near: number | null): void {
    if (near !== null && !this.isSingle) {
      this.picture.selected = near;
      this.picture.draw();
      return this.tell();
    }
    if (this.mayPlace && !this.isClosed && this.hasPlace()) this.add(typed(at));
  }

  /** A map that shows no place yet begins where something else was answered, else at one's own position. */
  private hasPlace(): boolean {
    if (!this.picture.isPlaced) this.findOwn(() => undefined);
    return this.picture.isPlaced;
  }

  private add(text: string): void {
    const texts = this.texts();
    const after = this.picture.selected < 0 ? texts.length : this.picture.selected + 1;
    if (this.isSingle) this.put([text], 0);
    else this.put([...texts.slice(0, after), text, ...texts.slice(after)], after);
  }

  private put(texts: string[], selected: number, isFinal = true): void {
    const closed = this.isShape && texts.length > 2 ? [...texts, texts[0] ?? ""] : texts;
    this.value = closed.join(";");
    this.picture.points = pointsOf(texts.join(";"));
    this.picture.selected = Math.min(selected, texts.length - 1);
    if (isFinal) this.save();
    this.picture.draw();
    this.tell();
  }

  private save(): void {
    this.around.capture.answer(this.address, this.value || null);
  }

  private pressed(act: string): void {
    const [texts, { selected }] = [this.texts(), this.picture];
    const many = texts.length;
    if (act === "here" && this.mayPlace && this.hasPlace()) this.add(typed(this.picture.centre));
    else if (act === "own") this.findOwn((text) => { this.add(text); });
    else if (act === "move" && selected >= 0) this.put(texts.map((text, index) => (index === selected ? typed(this.picture.centre) : text)), selected);
    else if (act === "remove" && many) this.put(texts.filter((_, index) => index !== (selected < 0 ? many - 1 : selected)), selected < 0 ? many - 2 : Math.max(0, selected - 1));
    else if (act === "next" && many) this.select((selected + 1) % many);
    else if (act === "previous" && many) this.select((selected + many - (selected < 0 ? 0 : 1)) % many);
  }

  private select(index: number): void {
    this.picture.selected = index;
    const point = this.picture.points[index];
    if (point) this.picture.lookAt({ lat: point[0], lon: point[1] });
    this.tell();
  }

  private findOwn(then: (text: string) => void): void {
    this.say(t("Looking for your position…"));
    locate().then((position) => {
      const text = pointText(position);
      [this.picture.own = null] = pointsOf(text);
      then(text);
      this.picture.lookAt({ lat: position.coords.latitude, lon: position.coords.longitude });
      this.tell();
    }).catch(() => { this.say(t("The position could not be found. You can type the coordinates instead.")); });
  }

  private say(words: string): void {
    setText(find(this.box, "[data-map-state]"), words);
  }

  private tell(): void {
    const { points, selected } = this.picture;
    const { language } = this.around;
    const count = this.isSingle ? "" : t("Points: {count}", { count: points.length });
    const sizes = this.isSingle || points.length < 2 ? [] : [t("length {metres} m", { metres: formatNumber(Math.round(length(points, this.isShape)), language) })];
    if (this.isShape && points.length > 2) sizes.push(t("area {metres} m²", { metres: formatNumber(Math.round(area(points)), language) }));
    const at = points[selected];
    const here = at ? `${this.isSingle ? "" : `${t("point {number}", { number: selected + 1 })}: `}${rounded(at[0])}; ${rounded(at[1])}` : "";
    const words = [count, ...sizes, here].filter(Boolean).join(" · ");
    this.say(points.length ? words : "");
    this.box.toggleAttribute("data-unplaced", !this.picture.isPlaced);
    this.picture.root.setAttribute("aria-label", words || t("Map"));
    for (const button of all(this.box, "[data-needs-point]")) {
      if (!points.length && button === document.activeElement) find(this.box, "[data-act=own]")?.focus();
      button.hidden = !points.length;
    }
  }
}

const pairOf = (text = ""): string => text.split(/\s+/).slice(0, 2).join(" ");

function bindEditor(inner: Control | null, box: HTMLElement, address: string, question: Question, around: Surroundings): Control {
  const editor = new Editor(box, address, question, around);
  return {
    show: (value) => {
      inner?.show(value);
      editor.show(value);
    },
    read: (target) => {
      const value = inner?.read(target);
      if (value !== undefined) editor.show(value);
      return value;
    },
  };
}

/** Choices that have a place: on the map, and again as a list below. */
function bindChoices(inner: Control, box: HTMLElement, address: string, around: Surroundings): Control {
  const picture: Picture = new Picture(around.language, {
    tapped: (_, near) => { if (near !== null) around.capture.answer(address, picture.shapes[near]?.name ?? null); },
    dragged: () => undefined,
    dropped: () => undefined,
  });
  place(box, picture);
  const choose = (value: Value): void => {
    picture.chosen = String(value ?? "");
    picture.draw();
  };
  const offer = (choices: Choice[]): void => {
    picture.shapes = choices.map((choice) => ({ name: choice.name, label: plain(around.interview.text(choice.label)), points: pointsOf(choice.extra?.geometry ?? "") }))
      .filter(({ points }) => points.length);
    picture.root.setAttribute("aria-label", `${t("Map")}: ${picture.shapes.map(({ label }) => label).join(", ")}`);
    picture.fit(picture.shapes.flatMap(({ points }) => points));
  };
  offer(around.interview.choices(address));
  return {
    show: (value) => {
      inner.show(value);
      choose(value);
    },
    read: (target) => {
      const value = inner.read(target);
      if (value !== undefined) choose(value);
      return value;
    },
    offer: (choices) => {
      inner.offer?.(choices);
      offer(choices);
    },
  };
}

export const widget: Widget = {
  bind(inner, element, address, question, around) {
    const [box, choice] = [find(element, "[data-map]"), find(element, "[data-choice-map]")];
    if (box) return bindEditor(inner, box, address, question, around);
    return choice && inner ? bindChoices(inner, choice, address, around) : inner;
  },
};
