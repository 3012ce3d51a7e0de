// Select menus with search-as-you-type, for one choice or several, from a list or from the server.
// Knows options; what is done with the choice is the caller's business.

import { h, icon, uid } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { openPopover } from "./popover.js";
import { t } from "./words.js";

const DEBOUNCE_MS = 250;

const flatten = (groups) => groups.flatMap((group) => group.options);
const matches = (option, query) => `${plain(option.text)} ${plain(option.description)}`.toLowerCase().includes(query.toLowerCase());

/**
 * A select. `source(query)` gives `[{label, options}]` or a promise of it, and throws an Error whose
 * message is shown. `onchange(options)` may return false (or a promise of it) to undo the choice.
 */
export function select({ placeholder, label, multi = false, initial = [], max = Infinity, minQuery = 0, remote = false, focusId, onchange, source }) {
  let chosen = initial;
  const listId = uid("options");
  const trigger = h("button", { type: "button", class: "select-trigger", "aria-haspopup": "listbox", "aria-expanded": "false", "data-focus": focusId, onclick: () => open() });
  const node = h("div", { class: multi ? "select multi" : "select" }, trigger);

  function draw() {
    const texts = chosen.map((option) => plain(option.text));
    trigger.classList.toggle("placeholder", chosen.length === 0);
    trigger.replaceChildren(h("span", { class: "select-value" }, multi ? (texts.length ? `${texts.length} selected` : placeholder) : (texts[0] ?? placeholder)), icon("down"));
    trigger.setAttribute("aria-label", `${label}: ${texts.join(", ") || placeholder}`);
    if (!multi) return;
    const chips = chosen.map((option) =>
      h("span", { class: "chip" }, plain(option.text), h("button", { type: "button", "aria-label": `Remove ${plain(option.text)}`, onclick: () => drop(option) }, icon("close"))),
    );
    node.replaceChildren(...(chips.length ? [h("div", { class: "chips" }, chips)] : []), trigger);
  }

  function drop(option) {
    choose(option);
    trigger.focus();
  }

  async function choose(option) {
    const before = chosen;
    const has = chosen.some((other) => other.value === option.value);
    if (!multi) chosen = [option];
    else if (has) chosen = chosen.filter((other) => other.value !== option.value);
    else if (chosen.length < max) chosen = [...chosen, option];
    else return;
    draw();
    if ((await onchange(chosen)) === false) {
      chosen = before;
      draw();
    }
  }

  function open() {
    if (trigger.getAttribute("aria-expanded") === "true") return void close();
    const search = h("input", {
      type: "text",
      class: "select-search",
      role: "combobox",
      placeholder: remote ? t("Type to search") : t("Search"),
      "aria-label": t("Search {label}", { label }),
      "aria-controls": listId,
      "aria-expanded": "true",
      "aria-autocomplete": "list",
      autocomplete: "off",
      spellcheck: "false",
    });
    const list = h("div", { class: "options", role: "listbox", id: listId, "aria-multiselectable": multi ? "true" : null, "aria-label": label });
    const state = { active: 0, options: [], asked: 0, timer: 0 };
    const close = openPopover(trigger, [search, list], { onclose: () => clearTimeout(state.timer) });
    openClose = close;

    function say(text, kind) {
      state.options = [];
      list.replaceChildren(h("p", { class: `options-note ${kind}`, role: kind === "error" ? "alert" : "status" }, text));
    }

    function show(groups) {
      state.options = flatten(groups);
      if (state.options.length === 0) return say(t("No results"), "empty");
      const current = state.options.findIndex((option) => chosen.some((other) => other.value === option.value));
      state.active = search.value === "" && !multi && current >= 0 ? current : 0;
      list.replaceChildren(
        ...groups
          .filter((group) => group.options.length)
          .map((group) =>
            group.label
              ? h("div", { role: "group", "aria-label": plain(group.label) }, h("div", { class: "options-label" }, plain(group.label)), group.options.map(row))
              : h("div", { role: "presentation" }, group.options.map(row)),
          ),
      );
      mark();
    }

    function row(option) {
      const selected = chosen.some((other) => other.value === option.value);
      return h(
        "div",
        {
          class: "option",
          role: "option",
          id: uid("option"),
          "aria-selected": selected ? "true" : "false",
          "data-value": option.value,
          onclick: () => pick(option),
          onpointermove: () => mark(state.options.indexOf(option), false),
        },
        h("span", { class: "option-mark" }, selected ? icon("check") : null),
        h("span", { class: "option-text" }, plain(option.text), option.description ? h("small", {}, plain(option.description)) : null),
      );
    }

    function mark(index = state.active, scroll = true) {
      state.active = index;
      const rows = [...list.querySelectorAll(".option")];
      rows.forEach((node, at) => node.classList.toggle("active", at === index));
      search.setAttribute("aria-activedescendant", rows[index]?.id ?? "");
      if (scroll) rows[index]?.scrollIntoView({ block: "nearest" });
    }

    function pick(option) {
      if (!multi) close({ refocus: true });
      choose(option);
      if (multi) {
        const rows = [...list.querySelectorAll(".option")];
        const at = state.options.indexOf(option);
        rows[at].replaceWith(row(option));
        mark(at);
        search.focus();
      }
    }

    async function ask(query) {
      const asked = (state.asked += 1);
      if (query.length < minQuery) return say(minQuery === 1 ? t("Type to search") : t("Type at least {count} characters", { count: minQuery }), "hint");
      if (remote) say(t("Loading…"), "loading");
      try {
        const groups = await source(query);
        if (asked === state.asked && list.isConnected) show(groups);
      } catch (error) {
        if (asked === state.asked) say(error.message, "error");
      }
    }

    search.addEventListener("input", () => {
      clearTimeout(state.timer);
      state.timer = setTimeout(() => ask(search.value.trim()), remote ? DEBOUNCE_MS : 0);
    });
    search.addEventListener("keydown", (event) => {
      const count = state.options.length;
      const to = { ArrowDown: state.active + 1, ArrowUp: state.active - 1 }[event.key];
      if (to !== undefined && count) mark((to + count) % count);
      else if (event.key === "Enter" && count) pick(state.options[state.active]);
      else if (event.key === "Tab") return close({ refocus: true });
      else if (to === undefined && event.key !== "Enter") return;
      event.preventDefault();
    });
    search.focus({ preventScroll: true });
    ask("");
  }

  let openClose = () => {};
  const close = () => openClose();
  draw();
  return node;
}

/** A source over a fixed list of option groups, filtered by what is typed. */
export function fixedSource(groups) {
  return (query) => groups.map((group) => ({ ...group, options: group.options.filter((option) => query === "" || matches(option, query)) }));
}

/** A source that asks `suggest(query)`, an act at the server. */
export function remoteSource(suggest) {
  return async (query) => {
    const answer = await suggest(query);
    if (!answer.ok) throw new Error(answer.error || t("The list could not be loaded."));
    return answer.option_groups ?? [{ options: answer.options ?? [] }];
  };
}
