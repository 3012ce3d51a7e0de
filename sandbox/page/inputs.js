// The typed elements of Block Kit: text, number, e-mail, URL, date and time.
// Also says, as Slack's own form does before it sends, what is missing or malformed.

import { fromLocalInput, toLocalInput } from "./dates.js";
import { h } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { t } from "./words.js";

const TYPING_MS = 400;

const TEXT_TYPES = { plain_text_input: "text", number_input: "text", email_text_input: "email", url_text_input: "url" };
const DATE_TYPES = {
  datepicker: { type: "date", initial: "initial_date", field: "selected_date", read: (value) => value || null, write: (held) => held ?? "" },
  timepicker: { type: "time", initial: "initial_time", field: "selected_time", read: (value) => value || null, write: (held) => held ?? "" },
  datetimepicker: {
    type: "datetime-local",
    initial: "initial_date_time",
    field: "selected_date_time",
    read: fromLocalInput,
    write: (held) => (held ? toLocalInput(held) : ""),
  },
};

function textInput(spec, context) {
  const held = context.held(spec, { value: spec.initial_value ?? null });
  const triggers = spec.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const multiline = spec.type === "plain_text_input" && spec.multiline;
  let timer = 0;
  const state = () => ({ value: node.value === "" ? null : node.value });
  const oninput = () => {
    context.type(spec, state());
    if (multiline) grow(node);
    if (!context.dispatch || !triggers.includes("on_character_entered")) return;
    clearTimeout(timer);
    timer = setTimeout(() => context.change(spec, state()), TYPING_MS);
  };
  const onkeydown = (event) => {
    if (event.key !== "Enter" || event.isComposing || multiline) return;
    if (!context.dispatch || !triggers.includes("on_enter_pressed")) return;
    event.preventDefault();
    context.change(spec, state());
  };
  const node = h(multiline ? "textarea" : "input", {
    type: multiline ? null : TEXT_TYPES[spec.type],
    inputmode: spec.type === "number_input" ? (spec.is_decimal_allowed ? "decimal" : "numeric") : null,
    rows: multiline ? "3" : null,
    class: "text-input",
    placeholder: plain(spec.placeholder),
    maxlength: spec.max_length,
    autocomplete: "off",
    "aria-label": context.label || null,
    "aria-describedby": context.errorId,
    autofocus: spec.focus_on_load === true,
    "data-action": spec.action_id,
    "data-focus": context.focusId(spec),
    value: held.value ?? "",
    // The server keeps what inputs hold; where the app wants to know of it at once, that has its own triggers.
    onchange: context.dispatch ? null : () => context.change(spec, state()),
    oninput,
    onkeydown,
  });
  if (multiline) requestAnimationFrame(() => grow(node));
  return node;
}

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(320, area.scrollHeight + 2)}px`;
}

function dateInput(spec, context) {
  const { type, initial, field, read, write } = DATE_TYPES[spec.type];
  const held = context.held(spec, { [field]: spec[initial] ?? null });
  let last = held[field];
  const onchange = async () => {
    const before = last;
    last = read(node.value);
    if (last === before) return;
    if (await context.change(spec, { [field]: last })) return;
    last = before;
    node.value = write(before);
  };
  const node = h("input", {
    type,
    class: "text-input date-input",
    "aria-label": context.label || plain(spec.placeholder) || t("Date"),
    "aria-describedby": context.errorId,
    "data-action": spec.action_id,
    "data-focus": context.focusId(spec),
    value: write(held[field]),
    onchange,
  });
  return node;
}

/** The node for a typed element, or null for other elements. */
export function inputElement(spec, context) {
  if (spec?.type in TEXT_TYPES) return textInput(spec, context);
  if (spec?.type in DATE_TYPES) return dateInput(spec, context);
  return null;
}

const isEmpty = (state) =>
  Object.entries(state ?? {})
    .filter(([name]) => name !== "type")
    .every(([, value]) => value === null || (Array.isArray(value) && value.length === 0));

const NUMBER = /^-?\d+(\.\d+)?$/;

function numberComplaint(spec, value) {
  if (!NUMBER.test(value)) return t("Please enter a number.");
  if (!spec.is_decimal_allowed && value.includes(".")) return t("Please enter a whole number.");
  if (spec.min_value !== undefined && Number(value) < Number(spec.min_value)) return `Please enter a number that is at least ${spec.min_value}.`;
  if (spec.max_value !== undefined && Number(value) > Number(spec.max_value)) return `Please enter a number that is at most ${spec.max_value}.`;
  return null;
}

/** What is wrong with what an input block holds, in words, or null. */
export function complaint(block, state) {
  const spec = block.element;
  if (isEmpty(state)) return block.optional ? null : t("Please complete this required field.");
  const { value } = state;
  if (typeof value !== "string") return null;
  if (spec.type === "number_input") return numberComplaint(spec, value);
  if (spec.type === "email_text_input" && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) return t("Please enter a valid email address.");
  if (spec.type === "url_text_input" && !URL.canParse(value)) return t("Please enter a valid URL.");
  if (spec.min_length && value.length < spec.min_length) return `Please enter at least ${spec.min_length} characters.`;
  return null;
}
