// Short notices over everything else, for refusals that have no better place.

import { h, icon } from "./dom.js";
import { t } from "./words.js";

const SHOWN_MS = 8000;

/** Shows a sentence for a while, above open dialogs too. */
export function toast(text) {
  const box = document.getElementById("toasts");
  const note = h("div", { class: "toast" }, h("span", {}, text), h("button", { type: "button", class: "icon-button", "aria-label": t("Dismiss"), onclick: () => dismiss(note) }, icon("close")));
  box.append(note);
  // Shown anew, it comes to lie above a dialog that was opened since.
  box.hidePopover();
  box.showPopover();
  setTimeout(() => dismiss(note), SHOWN_MS);
}

function dismiss(note) {
  const box = document.getElementById("toasts");
  note.remove();
  if (box.childElementCount === 0) box.hidePopover();
}
