/** Small promises of the pages of staff, kept where a browser can: the pages work without them.
 *
 * It imports nothing, so that phones which collect do not load a piece shared with it. */

/** A button that copies a field, for each that the page has; where copying is not allowed it selects the field. */
export function bindCopying(root: ParentNode): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy ?? "");
    if (!(field instanceof HTMLInputElement)) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      void copy(field, button.parentElement?.querySelector<HTMLElement>("[data-copied]") ?? null);
    });
  }
}

async function copy(field: HTMLInputElement, status: HTMLElement | null): Promise<void> {
  let copied = true;
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.focus();
    field.select();
    copied = false;
  }
  if (status) status.textContent = (copied ? status.dataset.copied : status.dataset.notCopied) ?? "";
}

bindCopying(document);
