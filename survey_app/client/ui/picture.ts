/** Drawing, signing, and writing on a photo. The equal way without a pointer: words put on the picture, or a typed name. */

import type { Question, Value } from "../form/definition";
import { uuid } from "../form/functions";
import { t } from "../texts";
import { pixelsOf, shrink } from "./capture";
import type { Control, Surroundings } from "./controls";
import { all, find, setText } from "./dom";
import type { Widget } from "./widgets";

const PAUSE = 500; // milliseconds after the last stroke until the picture is kept
const SIZES = { signature: [600, 200], draw: [800, 600], annotate: [800, 600] } as const;

type Kind = keyof typeof SIZES;
type Mark = { colour: string; width: number; line: [x: number, y: number][] } | { colour: string; words: string };

class Sheet {
  private readonly pen: CanvasRenderingContext2D | null;
  private marks: Mark[] = [];
  private back: ImageBitmap | HTMLImageElement | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private name = "";

  constructor(private readonly canvas: HTMLCanvasElement, private readonly element: HTMLElement, private readonly kind: Kind, private readonly address: string, private readonly question: Question, private readonly around: Surroundings) {
    this.pen = canvas.getContext("2d");
    this.clear();
    this.listen();
  }

  get isTouched(): boolean {
    return this.marks.length > 0 || this.back !== null;
  }

  clear(): void {
    this.marks = [];
    this.back = null;
    [this.canvas.width, this.canvas.height] = SIZES[this.kind];
    this.element.toggleAttribute("data-blank", this.kind === "annotate");
    this.redraw();
  }

  async lay(photo: Blob): Promise<void> {
    const small = await shrink(photo, Math.min(1600, pixelsOf(this.question)));
    if (!small) return this.around.capture.problem(this.address, t("This file could not be read. Please choose another one."));
    this.layOn(await createImageBitmap(small));
    this.keep();
  }

  /** What the server has, after a return or on another device. */
  load(name: string): void {
    if (name === this.name) return;
    this.name = name;
    const image = new Image();
    image.addEventListener("load", () => { if (!this.marks.length) this.layOn(image); });
    image.src = this.around.capture.fileUrl(name);
  }

  private layOn(back: ImageBitmap | HTMLImageElement): void {
    this.back = back;
    this.element.toggleAttribute("data-blank", false);
    [this.canvas.width, this.canvas.height] = [back.width, back.height];
    this.redraw();
  }

  write(words: string): void {
    this.marks.push({ colour: this.colour(), words });
    this.redraw();
    this.keep();
  }

  undo(): void {
    this.marks.pop();
    this.redraw();
    if (this.isTouched) this.keep();
    else this.forget();
  }

  forget(): void {
    clearTimeout(this.timer);
    this.clear();
    this.around.capture.answer(this.address, null);
  }

  private colour(): string {
    return find<HTMLInputElement>(this.element, "[data-colour]:checked")?.value ?? "#111";
  }

  // -- drawing --------------------------------------------------------------------------------------------------------------

  private redraw(): void {
    const { pen, canvas } = this;
    if (!pen) return;
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    if (this.back) pen.drawImage(this.back, 0, 0, canvas.width, canvas.height);
    let row = 0;
    for (const mark of this.marks) {
      if ("line" in mark) this.stroke(mark);
      else this.put(mark, row++);
    }
  }

  private stroke({ colour, width, line }: Extract<Mark, { line: unknown }>): void {
    const { pen } = this;
    const [first, ...rest] = line;
    if (!pen || !first) return;
    Object.assign(pen, { strokeStyle: colour, lineWidth: width, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    pen.moveTo(...first);
    for (const point of rest.length ? rest : [first]) pen.lineTo(...point);
    pen.stroke();
  }

  /** Words stand at the lower edge, on a light ground, line above line. */
  private put({ colour, words }: Extract<Mark, { words: unknown }>, row: number): void {
    const { pen, canvas } = this;
    if (!pen) return;
    const isName = this.kind === "signature";
    const size = isName ? 56 : Math.round(canvas.width / 18);
    pen.font = `${isName ? "italic " : "600 "}${size}px serif`;
    const y = isName ? canvas.height * 0.62 : canvas.height - size * (0.7 + 1.5 * row);
    if (!isName) {
      pen.fillStyle = "rgba(255,255,255,.85)";
      pen.fillRect(0, y - size * 1.1, Math.min(canvas.width, pen.measureText(words).width + size), size * 1.5);
    }
    pen.fillStyle = colour;
    pen.fillText(words, isName ? 20 : size / 2, y, canvas.width - size);
  }

  private listen(): void {
    const { canvas } = this;
    let line: [number, number][] | null = null;
    const at = (event: PointerEvent): [number, number] => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (this.around.interview.isReadOnly(this.address)) return;
      canvas.setPointerCapture(event.pointerId);
      clearTimeout(this.timer);
      line = [at(event)];
      this.marks.push({ colour: this.colour(), width: Math.max(3, canvas.width / 200), line });
      this.redraw();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!line) return;
      line.push(at(event));
      this.redraw();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => {
        if (line) this.keep();
        line = null;
      });
    }
  }

  // -- keeping --------------------------------------------------------------------------------------------------------------

  /** Keeps the picture soon: under one name while the page is open, for every stroke replaces it. */
  private keep(): void {
    clearTimeout(this.timer);
    const isPhoto = this.kind === "annotate";
    if (!this.name) this.name = `${this.question.name}-${uuid().slice(0, 8)}.${isPhoto ? "jpg" : "png"}`;
    const { name, address } = this;
    const { capture } = this.around;
    capture.answer(address, name);
    this.timer = setTimeout(() => {
      this.canvas.toBlob((made) => { if (made) void capture.attach(address, name, made); }, name.endsWith(".jpg") ? "image/jpeg" : "image/png", 0.85);
    }, PAUSE);
  }
}

function bind(element: HTMLElement, box: HTMLElement, address: string, question: Question, around: Surroundings): Control {
  const kind = (box.dataset.picture ?? "draw") as Kind;
  const canvas = find<HTMLCanvasElement>(box, "canvas") ?? document.createElement("canvas");
  const sheet = new Sheet(canvas, element, kind, address, question, around);
  const [name, confirm] = ["name", "confirm"].map((part) => find<HTMLInputElement>(element, `[data-part=${part}]`));
  const words = find<HTMLInputElement>(element, "[data-part=words]");
  const status = find(element, "[data-picture-state]");
  const write = (): void => {
    if (!words?.value.trim()) return;
    sheet.write(words.value.trim());
    setText(status, t("Written on the picture: {words}", { words: words.value.trim() }));
    words.value = "";
  };
  find(element, "[data-write]")?.addEventListener("click", write);
  find(element, "[data-undo]")?.addEventListener("click", () => { sheet.undo(); });
  find(element, "[data-clear]")?.addEventListener("click", () => { sheet.forget(); });
  const sign = (): void => {
    if (!name?.value.trim() || !confirm?.checked) return;
    sheet.clear();
    sheet.write(name.value.trim());
  };
  return {
    show: (value: Value) => {
      if (value === null) sheet.clear();
      else sheet.load(String(value));
    },
    read: (target) => {
      if (target === name || target === confirm) sign();
      const photo = all<HTMLInputElement>(element, "[data-part=photo]").find((one) => one === target)?.files?.[0];
      if (photo) void sheet.lay(photo);
      return undefined;
    },
  };
}

export const widget: Widget = {
  bind(inner, element, address, question, around) {
    const box = find(element, "[data-picture]");
    return box && box.closest("[data-question]") === element ? bind(element, box, address, question, around) : inner;
  },
};
