/** A picture whose areas are the choices. Only shapes of the author's SVG are drawn anew; nothing in it can run or load. */

import type { Value } from "../form/definition";
import type { Control } from "./controls";
import { all, find } from "./dom";
import type { Widget } from "./widgets";

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set(["svg", "g", "path", "rect", "circle", "ellipse", "polygon", "polyline", "line", "text", "tspan"]);
const LOOKS = new Set(["fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "opacity", "font-size", "font-weight", "text-anchor"]);
const PLACES = new Set(["d", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "width", "height", "points", "transform", "viewBox", "preserveAspectRatio"]);
const DEEPEST = 40;

/** A safe copy: known shapes, their geometry, and colours, also of a style (renamed, for the page's policy forbids styles). */
export function copyOf(source: Element, names: ReadonlySet<string>, depth = 0): SVGElement | null {
  if (!SHAPES.has(source.localName) || depth > DEEPEST) return null;
  const copy = document.createElementNS(SVG, source.localName);
  const styles = (source.getAttribute("data-look") ?? "").split(";").map((rule) => rule.split(":").map((part) => part.trim()));
  for (const [name = "", value = ""] of [...[...source.attributes].map((one) => [one.name, one.value]), ...styles]) {
    if ((PLACES.has(name) || LOOKS.has(name)) && !/url|javascript|expression/i.test(value)) copy.setAttribute(name, value);
  }
  const id = source.getAttribute("id") ?? "";
  if (names.has(id)) copy.setAttribute("data-area", id);
  for (const child of source.childNodes) {
    if (child instanceof Element) {
      const inner = copyOf(child, names, depth + 1);
      if (inner) copy.append(inner);
    } else if (child.nodeType === Node.TEXT_NODE && /^t(ext|span)$/.test(source.localName)) copy.append(child.textContent ?? "");
  }
  return copy;
}

async function load(box: HTMLElement, names: ReadonlySet<string>): Promise<void> {
  const answer = await fetch(box.dataset.pictureMap ?? "", { credentials: "same-origin" });
  if (!answer.ok) return;
  const read = new DOMParser().parseFromString((await answer.text()).replace(/\sstyle\s*=/g, " data-look="), "image/svg+xml").documentElement;
  const copy = read.localName === "svg" ? copyOf(read, names) : null;
  if (!copy) return;
  if (!copy.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${parseFloat(copy.getAttribute("width") ?? "300")} ${parseFloat(copy.getAttribute("height") ?? "150")}`);
  for (const size of ["width", "height", "x", "y"]) copy.removeAttribute(size);
  box.replaceChildren(copy);
  box.closest("[data-question]")?.querySelector("img.medium")?.remove();
}

export const widget: Widget = {
  bind(inner, element, address, _question, around) {
    const box = find(element, "[data-picture-map]");
    if (!box || !inner) return inner;
    const boxes = (): HTMLInputElement[] => all<HTMLInputElement>(element, "input[type=radio],input[type=checkbox]");
    const mark = (value: Value): void => {
      const chosen = new Set(String(value ?? "").split(/\s+/));
      for (const area of all<SVGElement>(box, "[data-area]")) area.classList.toggle("chosen", chosen.has(area.dataset.area ?? ""));
    };
    load(box, new Set(around.interview.choices(address).map((choice) => choice.name))).then(() => { mark(around.interview.value(address)); }, () => undefined);
    box.addEventListener("click", (event) => {
      const name = (event.target as Element).closest<SVGElement>("[data-area]")?.dataset.area;
      boxes().find((one) => one.value === name && !one.disabled)?.click();
    });
    return wrapped(inner, mark);
  },
};

function wrapped(inner: Control, mark: (value: Value) => void): Control {
  return {
    ...inner,
    show: (value) => {
      inner.show(value);
      mark(value);
    },
    read: (target) => {
      const value = inner.read(target);
      if (value !== undefined) mark(value);
      return value;
    },
  };
}
