/** What a phone captures: photos and files, and its position. Each has an equal way without the device. */

import type { Question, Value } from "../form/definition";
import { uuid } from "../form/functions";
import { readNumber } from "../form/numbers";
import { numberText } from "../form/expressions";
import { t } from "../texts";
import type { Control } from "./controls";
import { find, setText } from "./dom";
import { readPoints, shownPoints } from "./points";

/** What capturing needs of the page: a place for files, and a way to give the answer later. */
export interface Capture {
  language: string;
  attach(address: string, name: string, file: Blob): Promise<void>;
  answer(address: string, value: Value): void;
  problem(address: string, message: string): void;
  /** Where the server keeps the file of this name. */
  fileUrl(name: string): string;
  /** Goes on to the next question, and from the last one to the next page. */
  moveOn(address: string): void;
}

const LARGEST = 50;
const MEGABYTE = 1_000_000;
const DEFAULT_PIXELS = 2048;

export function bindCapture(element: HTMLElement, address: string, question: Question, capture: Capture): Control | null {
  if (["image", "audio", "video", "file"].includes(question.type)) {
    return find(element, "[data-picture]") ? null : file(element, address, question, capture);
  }
  if (question.type === "geopoint") return place(element, address, question, capture);
  if (question.type === "geotrace" || question.type === "geoshape") return points(element, question);
  if (question.type === "barcode") bindScan(element, address, capture);
  return null;
}

function bindScan(element: HTMLElement, address: string, capture: Capture): void {
  const button = find<HTMLButtonElement>(element, "[data-scan]");
  if (!button || !("BarcodeDetector" in globalThis)) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    import("./scan").then(({ scan }) => scan(button)).then(
      (code) => { if (code !== null) capture.answer(address, code); },
      () => { capture.problem(address, t("The camera cannot be used here. Please type the code.")); },
    );
  });
}

// -- files --------------------------------------------------------------------------------------------------------------

function file(element: HTMLElement, address: string, question: Question, capture: Capture): Control {
  const input = find<HTMLInputElement>(element, "input[type=file]");
  const preview = find<Preview>(element, "[data-preview]");
  const name = find(element, "output[data-file]");
  const clear = find(element, "[data-clear]");
  let here = "";
  preview?.addEventListener("error", () => { preview.hidden = true; });
  const show = (value: Value): void => {
    setText(name, value === null ? "" : t("Attached: {name}", { name: String(value) }));
    clear?.toggleAttribute("hidden", value === null);
    if (value === null) preview?.setAttribute("hidden", "");
    else if (preview && value !== here) showPreview(preview, capture.fileUrl(String(value)));
    here = String(value ?? "");
  };
  const take = async (chosen: File): Promise<void> => {
    setText(name, question.type === "image" ? t("The photo is being made smaller…") : chosen.name);
    const made = question.type === "image" ? await shrink(chosen, pixelsOf(question)) : chosen;
    if (!made) return capture.problem(address, t("This file could not be read. Please choose another one."));
    if (made.size > LARGEST * MEGABYTE) return capture.problem(address, t("This file is larger than {megabytes} MB. Please choose a smaller one.", { megabytes: LARGEST }));
    const called = `${question.name}-${uuid().slice(0, 8)}.${extension(made, chosen.name)}`;
    here = called;
    if (preview) showPreview(preview, URL.createObjectURL(made));
    capture.answer(address, called);
    await capture.attach(address, called, made);
  };
  clear?.addEventListener("click", () => {
    if (input) input.value = "";
    capture.answer(address, null);
    input?.focus();
  });
  return {
    show,
    read: (target) => {
      const chosen = target === input ? input.files?.[0] : undefined;
      if (chosen) take(chosen).catch(() => { capture.problem(address, t("This file could not be read. Please choose another one.")); });
      return undefined;
    },
  };
}

/** How long a photo's longer edge may be. */
export const pixelsOf = (question: Question): number => Number(question.parameters?.["max-pixels"]) || DEFAULT_PIXELS;

function extension(made: Blob, name: string): string {
  if (made.type === "image/jpeg") return "jpg";
  return (/\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1] ?? "bin").toLowerCase();
}

type Preview = HTMLImageElement | HTMLMediaElement;

function showPreview(preview: Preview, url: string): void {
  if (preview.src.startsWith("blob:")) URL.revokeObjectURL(preview.src);
  preview.src = url;
  preview.hidden = false;
}

/** A photo drawn anew at most `pixels` long: small, upright, and without the camera's notes (EXIF). */
export async function shrink(photo: Blob, pixels: number): Promise<Blob | null> {
  const picture = await createImageBitmap(photo).catch(() => null);
  if (!picture) return null;
  const scale = Math.min(1, pixels / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.8); });
}

// -- position -----------------------------------------------------------------------------------------------------------

/** Below this the position is taken at once, in metres; the longest a phone may look for a better one, in milliseconds. */
const GOOD_ENOUGH = 20;
const LONGEST_LOOK = 20_000;

/** Looks until the position is accurate enough, time is over or `stop` is called; the best one found, else an error. */
export function locate(enough = GOOD_ENOUGH, told: (metres: number, stop: () => void) => void = () => undefined): Promise<GeolocationPosition> {
  return new Promise((resolve, reject) => {
    if (!("geolocation" in navigator)) return reject(new Error("none"));
    let best: GeolocationPosition | null = null;
    const end = (): void => {
      navigator.geolocation.clearWatch(watch);
      clearTimeout(timer);
      if (best) resolve(best);
      else reject(new Error("none"));
    };
    const watch = navigator.geolocation.watchPosition((found) => {
      if (!best || found.coords.accuracy < best.coords.accuracy) best = found;
      if (best.coords.accuracy <= enough) end();
      else told(best.coords.accuracy, end);
    }, end, { enableHighAccuracy: true, timeout: LONGEST_LOOK, maximumAge: 10_000 });
    const timer = setTimeout(end, LONGEST_LOOK);
  });
}

export const pointText = ({ coords }: GeolocationPosition): string =>
  [coords.latitude, coords.longitude, coords.altitude ?? 0, Math.round(coords.accuracy * 10) / 10].map(numberText).join(" ");

function place(element: HTMLElement, address: string, question: Question, capture: Capture): Control {
  const parts = ["lat", "lon"].map((part) => find<HTMLInputElement>(element, `[data-part=${part}]`));
  const state = find(element, "[data-position]");
  const [button, now] = [find<HTMLButtonElement>(element, "[data-locate]"), find<HTMLButtonElement>(element, "[data-locate-now]")];
  const enough = Number(question.parameters?.["capture-accuracy"]) || GOOD_ENOUGH;
  const warning = Number(question.parameters?.["warning-accuracy"]) || Infinity;
  const show = (value: Value): void => {
    const [lat = "", lon = "", , accuracy = ""] = String(value ?? "").split(" ");
    if (parts[0]) parts[0].value = lat;
    if (parts[1]) parts[1].value = lon;
    const metres = Math.round(Number(accuracy));
    const words = metres > warning ? t("Accurate to {metres} m only. Better go into the open and look again.", { metres }) : t("Position found, accurate to {metres} m.", { metres });
    setText(state, Number(accuracy) ? words : "");
  };
  const told = (metres: number, stop: () => void): void => {
    setText(state, t("Accurate to {metres} m so far, still looking…", { metres: Math.round(metres) }));
    if (!now) return;
    now.hidden = false;
    now.onclick = stop;
  };
  button?.addEventListener("click", () => {
    setText(state, t("Looking for your position…"));
    button.disabled = true;
    locate(enough, told).then((position) => { capture.answer(address, pointText(position)); })
      .catch(() => {
        setText(state, t("The position could not be found. You can type the coordinates instead."));
        find<HTMLDetailsElement>(element, "details")?.setAttribute("open", "");
      })
      .finally(() => {
        button.disabled = false;
        now?.toggleAttribute("hidden", true);
      });
  });
  return { show, read: (target) => (parts.includes(target as HTMLInputElement) ? typedPoint(parts, capture.language) : undefined) };
}

function typedPoint(parts: (HTMLInputElement | null)[], language: string): Value {
  const typed = parts.map((part) => part?.value.trim() ?? "");
  if (typed.every((text) => !text)) return null;
  return typed.map((text) => {
    // Coordinates have a few digits before the sign whatever the language: 20,25 and 20.25 are the same place.
    const value = /^-?\d{1,3}[.,]\d+$/.test(text) ? Number(text.replace(",", ".")) : readNumber(text, language).value;
    return value === null ? text || "?" : numberText(value);
  }).concat("0", "0").join(" ");
}

/** A line or an area, typed one point a line. */
function points(element: HTMLElement, question: Question): Control {
  const area = find<HTMLTextAreaElement>(element, "textarea");
  const isClosed = question.type === "geoshape";
  return {
    show: (value) => { if (area) area.value = shownPoints(String(value ?? ""), isClosed); },
    read: (target) => (target === area ? readPoints(area.value, isClosed) || null : undefined),
  };
}
