// Files shared in a message: a download, and for text a look inside.

import { h, icon, safeUrl } from "./dom.js";
import { t } from "./words.js";

const UNITS = ["bytes", "kB", "MB", "GB"];
const TEXT_NAME = /\.(txt|log|json|csv|md|toml|ya?ml|xml|ini|conf|sh|py)$/i;
// More than this is for an editor, not for a chat.
const MOST_PREVIEWED = 300_000;

function sizeText(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const amount = bytes / 1000 ** power;
  return `${power === 0 ? amount : amount.toFixed(1)} ${UNITS[power]}`;
}

async function load(preview, href) {
  try {
    const response = await fetch(href);
    preview.textContent = response.ok ? await response.text() : `${t("The file could not be read.")} (${response.status})`;
  } catch {
    preview.textContent = t("The file could not be read.");
  }
}

function look(href) {
  const preview = h("pre", { tabindex: "0" }, t("Loading…"));
  return h("details", { class: "file-preview text", ontoggle: () => preview.textContent === t("Loading…") && load(preview, href) }, h("summary", {}, t("Preview")), preview);
}

/** The node for a file `{name, size, url}`. */
export function file({ name, size, url }) {
  const href = safeUrl(url ?? "");
  const here = href && new URL(href).origin === location.origin;
  const download = h(
    href ? "a" : "div",
    { class: "file", href, download: href ? name : null },
    icon("file"),
    h("span", {}, h("strong", {}, name), h("small", {}, size === undefined ? t("File") : sizeText(size))),
  );
  return h("div", { class: "file-frame" }, download, here && TEXT_NAME.test(name) && size <= MOST_PREVIEWED ? look(href) : null);
}
