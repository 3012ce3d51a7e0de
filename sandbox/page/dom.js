// Building and diffing DOM without ever parsing foreign text as markup.
// Knows nothing of Slack.

/** Makes an element. `on…` functions become listeners, `style` is an object, null and false leave an attribute out. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "style") for (const [key, setting] of Object.entries(value)) node.style.setProperty(key, setting);
    else if (name === "value") node.value = value;
    else if (name === "checked") node.checked = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  menu: "M3 5h14M3 10h14M3 15h14",
  chain: "M8 12l4-4M9 6l2-2a3 3 0 014.2 4.2l-2 2M11 14l-2 2a3 3 0 01-4.200-4.200l2-2",
  close: "M5 5l10 10M15 5L5 15",
  back: "M12 4l-6 6 6 6",
  down: "M5 7.5l5 5 5-5",
  send: "M3 4l14 6-14 6 2.5-6zM5.5 10H11",
  reply: "M4 4h12v9H9l-4 3.5V13H4z",
  file: "M5 2.5h7l3 3v12H5zM12 2.5v3h3",
  more: "M10 4.5v.01M10 10v.01M10 15.5v.01",
  check: "M4 10.5l4 4 8-9",
  eye: "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10zM10 8a2 2 0 100 4 2 2 0 000-4z",
  bulb: "M7.5 14.5h5M8 17h4M6.5 12a5 5 0 117 0c-.7.7-1 1.500-1 2.500h-5c0-1-.3-1.800-1-2.500z",
  plus: "M10 4v12M4 10h12",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 016 0V9",
};

/** A decorative line icon, drawn in the colour of the text around it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The address if a browser may follow it without running anything, else null. */
export function safeUrl(address) {
  try {
    const url = new URL(address, location.href);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that opens in a new tab; the bare content where the address cannot be trusted. */
export function link(address, ...content) {
  const href = safeUrl(address);
  return href === null
    ? h("span", {}, ...content)
    : h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...content);
}

const signatures = new WeakMap();

/**
 * Makes the children of `parent` match `items`, leaving the nodes of unchanged items alone
 * (same key and same JSON), so that focus, open menus and typed text survive.
 * `update(node, item)` may renew a node in place; without it a changed item is built anew.
 */
export function reconcile(parent, items, { key, build, update }) {
  const old = new Map();
  for (const node of parent.children) {
    const known = signatures.get(node);
    if (known) old.set(known.key, node);
  }
  const wanted = items.map((item, index) => {
    const name = key(item, index);
    const json = JSON.stringify(item);
    let node = old.get(name);
    if (node && signatures.get(node).json !== json) {
      if (update) update(node, item);
      else node = null;
    }
    node ??= build(item);
    old.delete(name);
    signatures.set(node, { key: name, json });
    return node;
  });
  const kept = new Set(wanted);
  for (const node of [...parent.childNodes]) if (!kept.has(node)) node.remove();
  let next = parent.firstChild;
  for (const node of wanted) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
}

/** Runs `change` and gives the focus back to the element of the same `data-focus` if it was rebuilt. */
export function keepFocus(root, change) {
  const active = document.activeElement;
  const name = root.contains(active) ? active.dataset.focus : undefined;
  const caret = name && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
  change();
  if (!name || active.isConnected) return;
  const heir = root.querySelector(`[data-focus="${CSS.escape(name)}"]`);
  heir?.focus({ preventScroll: true });
  // Number, date and e-mail inputs have no caret to set.
  if (heir && caret && caret[0] !== null) heir.setSelectionRange(...caret);
}

/** Who has the focus now, to give it back later, when what held it may have been built anew. */
export function held() {
  const node = document.activeElement;
  return { node, name: node?.dataset.focus, region: node?.closest("[role=region], main") };
}

/** Gives the focus back to what held it, to what took its place, or to the region in which it was. */
export function giveBack({ node, name, region }) {
  const there = node?.isConnected && node !== document.body;
  const heir = there ? node : (name && region?.querySelector(`[data-focus="${CSS.escape(name)}"]`)) || region;
  heir?.focus({ preventScroll: true });
}

let serial = 0;

/** A document-wide unique id, for labels. */
export function uid(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}
