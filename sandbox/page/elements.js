// The interactive elements of Block Kit: buttons, overflow menus, choices. Selects and inputs have files of their own.
// Each is built from its JSON and a context; what it holds lives in the context's host.

import { confirmed } from "./confirm.js";
import { h, icon, safeUrl, uid } from "./dom.js";
import { inputElement } from "./inputs.js";
import { openMenu } from "./popover.js";
import { plain, textObject } from "./mrkdwn.js";
import { selectElement } from "./selects.js";
import { t } from "./words.js";

/**
 * Where an element stands: `host`, `blockId`, `label` for those who cannot see it, `dispatch` whether
 * the app is told at once when it is touched, `errorId` the element that says what is wrong with it.
 */
export class Context {
  constructor(host, blockId, { dispatch = true, label = "", errorId = null } = {}) {
    Object.assign(this, { host, blockId, dispatch, label, errorId, store: host.store });
  }

  /** What the element holds, with its initial state kept for when it is sent. */
  held(spec, initial) {
    const held = this.host.held(this.blockId, spec.action_id);
    if (held === undefined) this.host.hold(this.blockId, spec.action_id, { type: spec.type, ...initial });
    return held ?? initial;
  }

  /** Keeps a state that is still being typed. */
  type(spec, state) {
    this.host.touch(this.blockId, spec.action_id, { type: spec.type, ...state });
  }

  /** Keeps the new state and tells the server. False when the person declined. */
  async change(spec, state) {
    if (this.dispatch && spec.confirm && !(await confirmed(spec.confirm, this.store))) return false;
    this.type(spec, state);
    const tell = this.dispatch ? "press" : "keep";
    this.host[tell](this.blockId, spec.action_id, { type: spec.type, ...state });
    return true;
  }

  /** The name by which focus finds the element again after its block was rebuilt. */
  focusId(spec, part = "") {
    return `${this.blockId}/${spec.action_id}${part}`;
  }
}

async function pressed(node, spec, context) {
  if (node.getAttribute("aria-busy") === "true") return;
  if (spec.confirm && !(await confirmed(spec.confirm, context.store))) return;
  if (spec.confirm && spec.url && safeUrl(spec.url)) window.open(safeUrl(spec.url), "_blank", "noopener");
  node.setAttribute("aria-busy", "true");
  await context.host.press(context.blockId, spec.action_id);
  node.removeAttribute("aria-busy");
}

function button(spec, context) {
  const style = ["primary", "danger"].includes(spec.style) ? spec.style : "";
  const href = spec.url && !spec.confirm ? safeUrl(spec.url) : null;
  const common = {
    class: `button ${style}`,
    "aria-label": spec.accessibility_label,
    "data-action": spec.action_id,
    "data-focus": context.focusId(spec),
    onclick: () => pressed(node, spec, context),
  };
  const node = href
    ? h("a", { ...common, href, target: "_blank", rel: "noopener noreferrer", role: "button" }, h("span", {}, plain(spec.text)))
    : h("button", { ...common, type: "button" }, h("span", {}, plain(spec.text)));
  return node;
}

function overflow(spec, context) {
  const choose = async (option) => {
    if (spec.confirm && !(await confirmed(spec.confirm, context.store))) return;
    if (option.url && safeUrl(option.url)) window.open(safeUrl(option.url), "_blank", "noopener");
    context.host.press(context.blockId, spec.action_id, { type: spec.type, selected_option: option });
  };
  const items = (spec.options ?? []).map((option) => ({
    label: plain(option.text),
    hint: option.description ? plain(option.description) : null,
    run: () => choose(option),
  }));
  const node = h(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-label": t("More actions"),
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-action": spec.action_id,
      "data-focus": context.focusId(spec),
      onclick: () => openMenu(node, items, t("More actions")),
    },
    icon("more"),
  );
  return node;
}

const valuesOf = (options) => new Set((options ?? []).map((option) => option.value));

function choices(spec, context) {
  const single = spec.type === "radio_buttons";
  const initial = single ? { selected_option: spec.initial_option ?? null } : { selected_options: spec.initial_options ?? [] };
  const name = uid("choice");
  const boxes = (spec.options ?? []).map((option) =>
    h("input", {
      type: single ? "radio" : "checkbox",
      name,
      value: option.value,
      "data-focus": context.focusId(spec, `/${option.value}`),
      onchange: () => changed(),
    }),
  );
  const show = (state) => {
    const selected = valuesOf(single ? [state.selected_option].filter(Boolean) : state.selected_options);
    for (const box of boxes) box.checked = selected.has(box.value);
  };
  const changed = async () => {
    const chosen = spec.options.filter((_, index) => boxes[index].checked);
    const before = context.held(spec, initial);
    if (!(await context.change(spec, single ? { selected_option: chosen[0] ?? null } : { selected_options: chosen }))) show(before);
  };
  show(context.held(spec, initial));
  return h(
    "div",
    { class: "choices", role: single ? "radiogroup" : "group", "aria-label": context.label || t("Choices"), "aria-describedby": context.errorId, "data-action": spec.action_id },
    (spec.options ?? []).map((option, index) =>
      h(
        "label",
        { class: "choice" },
        boxes[index],
        h("span", {}, textObject(option.text, context.store), option.description ? h("small", {}, textObject(option.description, context.store)) : null),
      ),
    ),
  );
}

/** The node for an element, or null where Slack shows none. */
export function element(spec, context) {
  switch (spec?.type) {
    case "button":
    case "workflow_button":
      return button(spec, context);
    case "overflow":
      return overflow(spec, context);
    case "checkboxes":
    case "radio_buttons":
      return choices(spec, context);
    default:
      return selectElement(spec, context) ?? inputElement(spec, context);
  }
}
