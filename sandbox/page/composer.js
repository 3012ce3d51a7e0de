// The box one types in: sends, remembers lines, completes commands, members and channels.

import { h, icon, uid } from "./dom.js";
import { displayName } from "./store.js";
import { t } from "./words.js";

const MAX_HISTORY = 50;
const MAX_HITS = 8;

/** One composer; `target()` gives `{channel, thread_ts?}` of what is sent. */
export class Composer {
  #store;
  #target;
  #histories = new Map();
  #at = 0;
  #drafts = new Map();
  #key = "";
  #hits = [];
  #active = 0;
  #start = 0;

  constructor(store, target, { label, onsent = () => {} }) {
    this.#store = store;
    this.#target = target;
    this.onsent = onsent;
    const id = uid("composer");
    this.hints = h("div", { class: "hints", role: "listbox", id: `${id}-hints`, "aria-label": t("Suggestions"), hidden: true });
    this.error = h("p", { class: "composer-error", role: "alert", hidden: true });
    this.input = h("textarea", {
      rows: "1",
      role: "combobox",
      "aria-label": label,
      "aria-controls": `${id}-hints`,
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      autocomplete: "off",
      enterkeyhint: "send",
      oninput: () => this.#changed(),
      onkeydown: (event) => this.#keyed(event),
      onblur: () => this.#close(),
    });
    this.button = h("button", { type: "button", class: "send", "aria-label": t("Send"), disabled: true, onclick: () => this.#send() }, icon("send"));
    this.node = h("div", { class: "composer" }, this.hints, h("div", { class: "composer-box" }, this.input, this.button), this.error);
  }

  /** The lines this person has sent from here. */
  get #history() {
    return this.#histories.get(this.#store.as) ?? [];
  }

  /** Moves to another conversation; each keeps what was half typed. */
  turnTo(key, placeholder) {
    this.input.placeholder = placeholder;
    if (key === this.#key) return;
    this.#drafts.set(this.#key, this.input.value);
    this.#key = key;
    this.#say("");
    this.#set(this.#drafts.get(key) ?? "");
    this.#at = this.#history.length;
    this.#close();
  }

  /** Puts a line in as if it had been typed, ready to be sent or changed. */
  type(line) {
    this.#set(line);
    this.#say("");
    this.input.focus();
  }

  #set(text) {
    this.input.value = text;
    this.input.setSelectionRange(text.length, text.length);
    this.#grow();
  }

  #grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(180, this.input.scrollHeight)}px`;
    this.button.disabled = this.input.value.trim() === "";
  }

  #say(text) {
    this.error.textContent = text;
    this.error.hidden = text === "";
  }

  #changed() {
    this.#at = this.#history.length;
    this.#say("");
    this.#grow();
    this.#suggest();
  }

  async #send() {
    const text = this.input.value.trim();
    if (text === "") return;
    if (this.#history.at(-1) !== text) this.#histories.set(this.#store.as, [...this.#history, text].slice(-MAX_HISTORY));
    this.#at = this.#history.length;
    const key = this.#key;
    this.#close();
    this.#say("");
    this.#set("");
    this.input.focus();
    this.onsent();
    const answer = await this.#store.act("post", { ...this.#target(), text });
    if (answer.ok || key !== this.#key) return;
    this.#say(answer.error);
    if (this.input.value === "") this.#set(text);
  }

  #keyed(event) {
    if (event.isComposing) return;
    if (!this.hints.hidden && this.#hintKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.#recall(event);
  }

  /** Arrow keys walk through earlier lines, but never take away a line being written. */
  #recall(event) {
    const walking = this.#at < this.#history.length && this.input.value === this.#history[this.#at];
    if (this.input.value !== "" && !walking) return;
    const to = this.#at + (event.key === "ArrowUp" ? -1 : 1);
    if (to < 0 || to > this.#history.length) return;
    event.preventDefault();
    this.#at = to;
    this.#set(this.#history[to] ?? "");
  }

  #hintKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#mark((this.#active + step + this.#hits.length) % this.#hits.length);
    else if (event.key === "Escape") this.#close();
    else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && this.#hits[this.#active].text !== this.input.value)) this.#take(this.#hits[this.#active]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #suggest() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const word = /(?:^|\s)([@#])([\w.-]*)$/.exec(before);
    if (before.startsWith("/") && !before.includes("\n")) {
      this.#start = 0;
      this.#show(this.#commands(this.input.value));
    } else if (word) {
      this.#start = before.length - word[2].length - 1;
      this.#show(word[1] === "@" ? this.#members(word[2].toLowerCase()) : this.#channels(word[2].toLowerCase()));
    } else this.#close();
  }

  #commands(typed) {
    const tips = this.#store.tips.filter((tip) => tip.line.startsWith("/"));
    const names = [...new Set(tips.map((tip) => tip.line.split(" ")[0]))].map((name) => ({ text: `${name} `, title: name, note: t("Command of {name}", { name: this.#store.bot.name }) }));
    const lines = tips.filter((tip) => tip.line.includes(" ")).map((tip) => ({ text: t(tip.line), title: t(tip.line), note: t(tip.text) }));
    const shortcuts = typed === "/" ? this.#store.shortcuts.filter(({ type }) => type === "global") : [];
    const run = ({ callback_id: id }) => this.#store.act("shortcut", { callback_id: id });
    const others = shortcuts.map((shortcut) => ({ text: "", title: shortcut.name, note: t("Shortcut of {name}", { name: this.#store.bot.name }), run: () => run(shortcut) }));
    return [...names, ...others, ...lines].filter((hit) => hit.run || (hit.text.startsWith(typed) && hit.text !== typed));
  }

  #members(typed) {
    const app = { ...this.#store.bot, real_name: this.#store.bot.name, is_bot: true };
    const members = this.#store.screen?.members ?? this.#store.people;
    const all = members.some((member) => member.id === app.id) ? members : [app, ...members];
    return all
      .filter((member) => member.name.toLowerCase().startsWith(typed) || displayName(member).toLowerCase().startsWith(typed))
      .map((member) => ({ text: `@${member.name} `, title: `@${member.name}`, note: member.is_bot ? t("App") : displayName(member) }));
  }

  #channels(typed) {
    return (this.#store.screen?.channels ?? [])
      .filter((channel) => channel.kind !== "im" && channel.name.toLowerCase().startsWith(typed))
      .map((channel) => ({ text: `#${channel.name} `, title: `#${channel.name}`, note: t(channel.topic ?? "") }));
  }

  #show(hits) {
    this.#hits = hits.slice(0, MAX_HITS);
    if (this.#hits.length === 0) return this.#close();
    this.hints.replaceChildren(
      ...this.#hits.map((hit, index) =>
        h(
          "div",
          {
            class: "hint-row",
            role: "option",
            id: `${this.hints.id}-${index}`,
            // The press must not take the focus from the text.
            onpointerdown: (event) => event.preventDefault(),
            onclick: () => this.#take(hit),
          },
          h("strong", {}, hit.title),
          h("small", {}, hit.note),
        ),
      ),
    );
    this.hints.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#mark(0);
  }

  #mark(index) {
    this.#active = index;
    [...this.hints.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === index)));
    this.input.setAttribute("aria-activedescendant", `${this.hints.id}-${index}`);
  }

  #take(hit) {
    if (hit.run) {
      this.#set("");
      this.#close();
      hit.run();
      return;
    }
    const after = this.#start === 0 && hit.text.startsWith("/") ? "" : this.input.value.slice(this.input.selectionStart);
    const text = this.input.value.slice(0, this.#start) + hit.text;
    this.input.value = text + after;
    this.input.setSelectionRange(text.length, text.length);
    this.#grow();
    this.#close();
    this.input.focus();
  }

  #close() {
    this.hints.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
