// The two panes one talks in: a channel (or direct messages) and a thread beside it.

import { h, icon } from "./dom.js";
import { Composer } from "./composer.js";
import { MessageList, channelEntries, rows, threadEntries } from "./messages.js";
import { displayName } from "./store.js";
import { t } from "./words.js";

const TIPS_KEY = "sandbox.tips";

/** Storage may be forbidden; then the choice just does not last. */
function recalled(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing depends on it.
  }
}

function tipsPanel(store, type) {
  const panel = h(
    "details",
    { class: "tips", open: recalled(TIPS_KEY) !== "closed" },
    h("summary", {}, icon("bulb"), t("Try this"), icon("down")),
    h(
      "div",
      { class: "tips-list" },
      store.tips.map((tip) => h("button", { type: "button", class: "tip", onclick: () => type(t(tip.line)) }, h("span", {}, t(tip.text)), h("code", {}, t(tip.line)))),
    ),
  );
  panel.addEventListener("toggle", () => remember(TIPS_KEY, panel.open ? "open" : "closed"));
  panel.hidden = store.tips.length === 0;
  return panel;
}

function introOf(channel, title, isApp) {
  const text = isApp
    ? t("This is the very beginning of your direct messages with the app. Only you can see them.")
    : channel.kind === "im"
      ? t("This is the very beginning of your direct messages with {name}.", { name: title })
      : t("This is the very beginning of the {name} channel.", { name: title });
  return { title, text };
}

/** A channel or direct messages: header, list, tips, composer. */
export class ChannelPane {
  #store;
  #hostOf;
  #openThread;
  #channel = null;
  #newTs = null;
  #reading = 0;

  constructor(store, { hostOf, openThread }) {
    this.#store = store;
    this.#hostOf = hostOf;
    this.#openThread = openThread;
    this.composer = new Composer(store, () => ({ channel: this.#channel.id }), { label: t("Message"), onsent: () => this.list.toBottom() });
    this.slot = h("div", { class: "list-slot" });
    this.tips = tipsPanel(store, (line) => this.composer.type(line));
    this.node = h("div", { class: "pane" }, this.slot, this.tips, this.composer.node);
  }

  /** Another person looks: nothing of the one before stays. */
  forget() {
    this.#channel = null;
  }

  render(channel, isApp) {
    const { screen } = this.#store;
    if (this.#channel?.id !== channel.id) this.#enter(channel);
    else if (document.hidden && channel.unread && !this.#channel.unread) this.#newTs = this.#firstUnread(channel);
    this.#channel = channel;
    const name = isApp ? displayName(this.#store.member(this.#store.bot.id)) : channel.kind === "im" ? channel.name : `#${channel.name}`;
    this.composer.turnTo(`${this.#store.as}/${channel.id}`, t("Message {name}", { name }));
    this.list.render(rows(channelEntries(screen, channel), this.#newTs), introOf(channel, name, isApp));
    this.read();
  }

  #enter(channel) {
    const { id } = channel;
    this.#newTs = this.#firstUnread(channel);
    const place = { store: this.#store, channel: id, host: (message, part) => this.#hostOf({ channel: id, ts: message.ts }, part), openThread: (ts) => this.#openThread(id, ts) };
    this.list = new MessageList(place, { label: t("Messages in {name}", { name: channel.name }), onbottom: () => this.read() });
    this.slot.replaceChildren(this.list.node);
  }

  #firstUnread(channel) {
    if (!channel.unread) return null;
    const others = channel.messages.filter((message) => message.user !== this.#store.as);
    const from = others.at(-channel.unread) ?? others[0];
    // Among the unread are replies in threads, which are not seen here.
    return channelEntries(this.#store.screen, channel).find(({ message }) => from && message.ts >= from.ts && message.user !== this.#store.as)?.message.ts ?? null;
  }

  /** Tells the server that everything has been seen, if it has. */
  async read() {
    if (!this.#channel?.unread || document.hidden || !this.list.atBottom || !this.node.isConnected || this.#reading === this.#channel.unread) return;
    this.#reading = this.#channel.unread;
    await this.#store.act("read", { channel: this.#channel.id });
    this.#reading = 0;
  }
}

/** A thread with its own composer. */
export class ThreadPane {
  #store;
  #hostOf;
  #key = "";
  #at = null;

  constructor(store, { hostOf, onclose }) {
    this.#store = store;
    this.#hostOf = hostOf;
    this.composer = new Composer(store, () => this.#at, { label: t("Reply"), onsent: () => this.list.toBottom() });
    this.slot = h("div", { class: "list-slot" });
    this.where = h("small");
    this.header = h(
      "header",
      { class: "pane-header" },
      h("button", { type: "button", class: "icon-button thread-back", "aria-label": t("Back to the channel"), onclick: onclose }, icon("back")),
      h("h1", {}, `${t("Thread")} `, this.where),
      h("button", { type: "button", class: "icon-button thread-close", "aria-label": t("Close thread"), onclick: onclose }, icon("close")),
    );
    this.node = h("div", { class: "pane" }, this.header, this.slot, this.composer.node);
  }

  /** Shows the thread; false when there is no such message. */
  render(channel, ts) {
    const entries = threadEntries(channel, ts);
    if (entries.length === 0) return false;
    const key = `${this.#store.as}/${channel.id}/${ts}`;
    const entered = key !== this.#key;
    if (entered) {
      this.#key = key;
      this.#at = { channel: channel.id, thread_ts: ts };
      const place = { store: this.#store, channel: channel.id, host: (message, part) => this.#hostOf({ channel: channel.id, ts: message.ts }, part), openThread: null };
      this.list = new MessageList(place, { label: t("Thread") });
      this.slot.replaceChildren(this.list.node);
    }
    this.where.textContent = channel.kind === "im" ? channel.name : `#${channel.name}`;
    this.composer.turnTo(key, t("Reply…"));
    this.list.render(rows(entries));
    return true;
  }
}
