// A menu next to what opened it; on a narrow screen a sheet at its foot. Knows nothing of its content.

import { h } from "./dom.js";

const GAP = 4;
const MARGIN = 8;
const NARROW = matchMedia("(max-width: 640px)");

let closeOpen = null;

/**
 * Opens `content` next to `anchor` and returns the function that closes it.
 * Escape, a press outside, or the disappearance of the anchor close it too.
 */
export function openPopover(anchor, content, { label, onclose = () => {} } = {}) {
  closeOpen?.();
  // Inside a dialog everything outside of it is inert.
  const home = anchor.closest("dialog") ?? document.body;
  const panel = h("div", { class: "popover" }, content);
  const shade = NARROW.matches ? h("div", { class: "popover-shade" }) : null;
  if (label) panel.setAttribute("aria-label", label);
  home.append(...[shade, panel].filter(Boolean));
  const place = () => {
    if (!anchor.isConnected) close();
    else if (!NARROW.matches) position(panel, anchor);
  };
  const outside = (event) => {
    if (!panel.contains(event.target) && !anchor.contains(event.target)) close();
  };
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close({ refocus: true });
  };
  const watcher = new ResizeObserver(place);
  // The page is re-rendered under an open menu; look whether the anchor is still there.
  const mutations = new MutationObserver(() => anchor.isConnected || close());
  function close({ refocus = false } = {}) {
    if (closeOpen !== close) return;
    closeOpen = null;
    watcher.disconnect();
    mutations.disconnect();
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("keydown", escape, true);
    window.removeEventListener("scroll", place, true);
    window.removeEventListener("resize", place);
    panel.remove();
    shade?.remove();
    anchor.setAttribute("aria-expanded", "false");
    onclose();
    if (refocus) anchor.focus();
  }
  closeOpen = close;
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", escape, true);
  window.addEventListener("scroll", place, true);
  window.addEventListener("resize", place);
  watcher.observe(panel);
  mutations.observe(document.body, { childList: true, subtree: true });
  place();
  return close;
}

function position(panel, anchor) {
  const box = anchor.getBoundingClientRect();
  const size = panel.getBoundingClientRect();
  const below = innerHeight - box.bottom - GAP - MARGIN;
  const above = box.top - GAP - MARGIN;
  const up = below < size.height && above > below;
  panel.style.maxHeight = `${Math.max(120, up ? above : below)}px`;
  panel.style.minWidth = `${Math.min(box.width, 540)}px`;
  panel.style.left = `${Math.max(MARGIN, Math.min(box.left, innerWidth - size.width - MARGIN))}px`;
  panel.style.top = up ? "auto" : `${box.bottom + GAP}px`;
  panel.style.bottom = up ? `${innerHeight - box.top + GAP}px` : "auto";
}

/** A menu of buttons: `[{label, hint, danger, run}]`, walked with the arrow keys. */
export function openMenu(anchor, items, label) {
  const run = (item) => {
    close({ refocus: true });
    item.run();
  };
  const menu = h(
    "div",
    { class: "menu", role: "menu", "aria-label": label, onkeydown: walk },
    items.map((item) =>
      h("button", { type: "button", role: "menuitem", tabindex: "-1", class: "menu-item", onclick: () => run(item) }, h("span", {}, item.label), item.hint ? h("small", {}, item.hint) : null),
    ),
  );
  const close = openPopover(anchor, menu);
  menu.firstElementChild?.focus();
}

function walk(event) {
  const items = [...event.currentTarget.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Tab") event.preventDefault();
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length)?.focus();
}
