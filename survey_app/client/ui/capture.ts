/** What a phone captures: photos and files, its position, a signature. Each has an equal way without the device. */

import type { Question, Value } from "../form/definition";
import { uuid } from "../form/functions";
import { readNumber } from "../form/numbers";
import { numberText } from "../form/expressions";
import { t } from "../texts";
import type { Control } from "./controls";
import { find, setText } from "./dom";

/** What capturing needs of the page: a place for files, and a way to give the answer later. */
export interface Capture {
  language: string;
  attach(address: string, name: string, file: Blob): Promise<void>;
  answer(address: string, value: Value): void;
  problem(address: string, message: string): void;
}

const LARGEST = 50;
const MEGABYTE = 1_000_000;
const DEFAULT_PIXELS = 2048;

export function bindCapture(element: HTMLElement, address: string, question: Question, capture: Capture): Control | null {
  if (find(element, "[data-signature]")?.closest(".question") === element) return signature(element, address, question, capture);
  if (["image", "audio", "video", "file"].includes(question.type)) return file(element, address, question, capture);
  if (question.type === "geopoint") return place(element, address, capture);
  if (find(element, "[data-add-point]")) bindTrace(element, address, capture);
  return null;
}

// -- files --------------------------------------------------------------------------------------------------------------

function file(element: HTMLElement, address: string, question: Question, capture: Capture): Control {
  const input = find<HTMLInputElement>(element, "input[type=file]");
  const preview = find<HTMLImageElement>(element, "[data-preview]");
  const name = find(element, "output[data-file]");
  const clear = find(element, "[data-clear]");
  const show = (value: Value): void => {
    setText(name, value === null ? "" : t("Attached: {name}", { name: String(value) }));
    clear?.toggleAttribute("hidden", value === null);
    if (value === null) preview?.setAttribute("hidden", "");
  };
  const take = async (chosen: File): Promise<void> => {
    setText(name, question.type === "image" ? t("The photo is being made smaller…") : chosen.name);
    const made = question.type === "image" ? await shrink(chosen, Number(question.parameters?.["max-pixels"]) || DEFAULT_PIXELS) : chosen;
    if (!made) return capture.problem(address, t("This file could not be read. Please choose another one."));
    if (made.size > LARGEST * MEGABYTE) return capture.problem(address, t("This file is larger than {megabytes} MB. Please choose a smaller one.", { megabytes: LARGEST }));
    const called = `${question.name}-${uuid().slice(0, 8)}.${extension(made, chosen.name)}`;
    if (preview && question.type === "image") showPreview(preview, made);
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

function extension(made: Blob, name: string): string {
  if (made.type === "image/jpeg") return "jpg";
  return (/\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1] ?? "bin").toLowerCase();
}

function showPreview(preview: HTMLImageElement, blob: Blob): void {
  if (preview.src.startsWith("blob:")) URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(blob);
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

function locate(): Promise<GeolocationPosition> {
  return new Promise((resolve, reject) => {
    if (!("geolocation" in navigator)) reject(new Error("none"));
    else navigator.geolocation.getCurrentPosition(resolve, reject, { enableHighAccuracy: true, timeout: 20_000, maximumAge: 10_000 });
  });
}

const pointText = ({ coords }: GeolocationPosition): string =>
  [coords.latitude, coords.longitude, coords.altitude ?? 0, Math.round(coords.accuracy * 10) / 10].map(numberText).join(" ");

function place(element: HTMLElement, address: string, capture: Capture): Control {
  const parts = ["lat", "lon"].map((part) => find<HTMLInputElement>(element, `[data-part=${part}]`));
  const state = find(element, "[data-position]");
  const button = find<HTMLButtonElement>(element, "[data-locate]");
  const show = (value: Value): void => {
    const [lat = "", lon = "", , accuracy = ""] = String(value ?? "").split(" ");
    if (parts[0]) parts[0].value = lat;
    if (parts[1]) parts[1].value = lon;
    setText(state, Number(accuracy) ? t("Position found, accurate to {metres} m.", { metres: Math.round(Number(accuracy)) }) : "");
  };
  button?.addEventListener("click", () => {
    setText(state, t("Looking for your position…"));
    button.disabled = true;
    locate().then((position) => { capture.answer(address, pointText(position)); show(pointText(position)); })
      .catch(() => {
        setText(state, t("The position could not be found. You can type the coordinates instead."));
        find<HTMLDetailsElement>(element, "details")?.setAttribute("open", "");
      })
      .finally(() => { button.disabled = false; });
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

function bindTrace(element: HTMLElement, address: string, capture: Capture): void {
  const area = find<HTMLTextAreaElement>(element, "textarea");
  find(element, "[data-add-point]")?.addEventListener("click", () => {
    locate().then((position) => {
      if (!area) return;
      area.value = [area.value.trimEnd(), pointText(position)].filter(Boolean).join("\n");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }).catch(() => { capture.problem(address, t("The position could not be found. You can type the coordinates instead.")); });
  });
}

// -- signature ----------------------------------------------------------------------------------------------------------

function signature(element: HTMLElement, address: string, question: Question, capture: Capture): Control {
  const canvas = find<HTMLCanvasElement>(element, "[data-signature]");
  const name = find<HTMLInputElement>(element, "[data-part=name]");
  const confirm = find<HTMLInputElement>(element, "[data-part=confirm]");
  const pen = canvas?.getContext("2d") ?? null;
  const wipe = (): void => { if (canvas) pen?.clearRect(0, 0, canvas.width, canvas.height); };
  const save = (made: Blob | null): void => {
    if (!made) return;
    const called = `${question.name}-${uuid().slice(0, 8)}.png`;
    capture.answer(address, called);
    void capture.attach(address, called, made);
  };
  if (canvas && pen) draw(canvas, pen, () => { canvas.toBlob(save, "image/png"); });
  find(element, "[data-clear]")?.addEventListener("click", () => { wipe(); capture.answer(address, null); });
  return {
    show: (value) => { if (value === null) wipe(); },
    read: (target) => {
      if ((target !== confirm && target !== name) || !name?.value.trim() || !confirm?.checked || !canvas || !pen) return undefined;
      wipe();
      write(canvas, pen, name.value.trim());
      canvas.toBlob(save, "image/png");
      return undefined;
    },
  };
}

function write(canvas: HTMLCanvasElement, pen: CanvasRenderingContext2D, name: string): void {
  pen.fillStyle = "#000";
  pen.font = "italic 56px serif";
  pen.fillText(name, 20, canvas.height * 0.62, canvas.width - 40);
}

function draw(canvas: HTMLCanvasElement, pen: CanvasRenderingContext2D, finished: () => void): void {
  let isDown = false;
  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    isDown = true;
    canvas.setPointerCapture(event.pointerId);
    pen.lineWidth = 3;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!isDown) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (isDown) finished();
      isDown = false;
    });
  }
}
