/** Reading a bar or QR code with the camera, where the browser can; loaded when somebody presses the button. */

import { t } from "../texts";

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}

const PAUSE = 150;

/** Shows the camera until a code is read or the person stops: the code, or null. Rejects without a camera. */
export async function scan(opener: HTMLElement): Promise<string | null> {
  const { BarcodeDetector: Reader } = globalThis as unknown as { BarcodeDetector: new () => Detector };
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const [dialog, video, stop] = [document.createElement("dialog"), document.createElement("video"), document.createElement("button")];
  Object.assign(stop, { type: "button", textContent: t("Stop") });
  Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
  dialog.className = "scan";
  dialog.setAttribute("aria-label", t("Hold the code before the camera"));
  dialog.append(video, stop);
  stop.addEventListener("click", () => { dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  try {
    await video.play();
    return await watch(new Reader(), video, dialog);
  } finally {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
    opener.focus();
  }
}

async function watch(reader: Detector, video: HTMLVideoElement, dialog: HTMLDialogElement): Promise<string | null> {
  while (dialog.open) {
    const [found] = await reader.detect(video).catch(() => []);
    if (found?.rawValue) return found.rawValue;
    await new Promise((resume) => { setTimeout(resume, PAUSE); });
  }
  return null;
}
