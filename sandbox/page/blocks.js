// Block Kit blocks, as posted, to DOM. Unchanged blocks keep their nodes.

import { h, link, keepFocus, reconcile, safeUrl, uid } from "./dom.js";
import { Context, element } from "./elements.js";
import { markdown } from "./markdown.js";
import { plain, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { t } from "./words.js";

function image(spec, className) {
  const src = safeUrl(spec.image_url ?? spec.slack_file?.url ?? "");
  return h("img", { class: className, src, alt: plain(spec.alt_text), loading: "lazy", referrerpolicy: "no-referrer" });
}

function elementOf(spec, host, blockId, index, options) {
  return element(spec.action_id ? spec : { ...spec, action_id: `element-${index}` }, new Context(host, blockId, options));
}

function section(block, host) {
  const fields = block.fields?.length ? h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "text" }, textObject(field, host.store)))) : null;
  const accessory = block.accessory?.type === "image" ? image(block.accessory, "accessory-image") : block.accessory && elementOf(block.accessory, host, block.block_id, 0);
  return h(
    "div",
    { class: accessory ? "section with-accessory" : "section" },
    h("div", { class: "section-body" }, block.text ? h("div", { class: "text" }, textObject(block.text, host.store)) : null, fields),
    accessory ? h("div", { class: "accessory" }, accessory) : null,
  );
}

function context(block, host) {
  return h(
    "div",
    { class: "context" },
    (block.elements ?? []).map((part) => (part.type === "image" ? image(part, "context-image") : h("span", { class: "text" }, textObject(part, host.store)))),
  );
}

function imageBlock(block) {
  return h("figure", { class: "image" }, block.title ? h("figcaption", {}, plain(block.title)) : null, image(block, "block-image"));
}

function inputBlock(block, host) {
  const id = uid("input");
  const spec = block.element;
  const options = { dispatch: block.dispatch_action === true, label: plain(block.label), errorId: `${id}-notes` };
  const node = elementOf(spec, host, block.block_id, 0, options);
  const control = node?.matches(".text-input") ? node : node?.querySelector(".select-trigger");
  if (control) control.id = id;
  return h(
    "div",
    { class: "input" },
    h(control ? "label" : "div", { class: "label", for: control ? id : null }, plain(block.label), block.optional ? h("span", { class: "optional" }, t(" (optional)")) : null),
    node,
    h("div", { id: `${id}-notes` }, h("p", { class: "input-error", hidden: true }), block.hint ? h("p", { class: "hint" }, plain(block.hint)) : null),
  );
}

function cell(spec, store) {
  if (spec?.type === "rich_text") return richText(spec, store);
  return [plain({ text: String(spec?.text ?? spec?.value ?? "") })];
}

function table(block, store) {
  const settings = block.column_settings ?? [];
  const classes = (index) => {
    const { align, is_wrapped: wrapped } = settings[index] ?? {};
    return `align-${["center", "right"].includes(align) ? align : "left"}${wrapped ? " wrapped" : ""}`;
  };
  const [head = [], ...rows] = block.rows ?? [];
  const row = (tag, cells) => h("tr", {}, cells.map((spec, index) => h(tag, { class: classes(index) }, cell(spec, store))));
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": t("Table") },
    h("table", {}, h("thead", {}, row("th", head)), h("tbody", {}, rows.map((cells) => row("td", cells)))),
  );
}

function body(block, host) {
  switch (block.type) {
    case "section":
      return section(block, host);
    case "actions":
      return h("div", { class: "actions" }, (block.elements ?? []).map((spec, index) => elementOf(spec, host, block.block_id, index)));
    case "context":
      return context(block, host);
    case "header":
      return h("h3", { class: "header" }, plain(block.text));
    case "divider":
      return h("hr");
    case "image":
      return imageBlock(block);
    case "input":
      return inputBlock(block, host);
    case "rich_text":
      return h("div", { class: "text rich-text" }, richText(block, host.store));
    case "markdown":
      return h("div", { class: "text markdown" }, markdown(block.text));
    case "table":
      return table(block, host.store);
    case "video":
      return h("div", { class: "section" }, link(block.video_url, plain(block.title)));
    default:
      return h("p", { class: "unknown" }, `This page cannot show a “${block.type}” block.`);
  }
}

/** Every interactive element of a block. */
function elementsOf(block) {
  return [block.accessory, block.element, ...(block.type === "actions" ? (block.elements ?? []) : [])].filter((spec) => spec?.action_id);
}

/** Makes `parent` show `blocks`; what their elements hold stays with `host` across changes. */
export function renderBlocks(parent, blocks, host) {
  const named = blocks.map((block, index) => ({ ...block, block_id: block.block_id ?? `block-${index}` }));
  host.prune(named.flatMap((block) => elementsOf(block).map((spec) => [block.block_id, spec.action_id])));
  keepFocus(parent, () =>
    reconcile(parent, named, {
      key: (block) => `${block.block_id}`,
      build: (block) => h("div", { class: `block block-${block.type}`, "data-block": block.block_id }, body(block, host)),
    }),
  );
}
