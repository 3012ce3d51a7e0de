// A scrolling list of messages: groups them as Slack does, divides days, marks what is new,
// sticks to the bottom unless the reader has scrolled up.

import { dayKey, dayLabel } from "./dates.js";
import { h, icon, reconcile } from "./dom.js";
import { messageNode, renewMessage } from "./message.js";
import { said, t } from "./words.js";

const GROUP_SECONDS = 300;
const BOTTOM_PX = 48;
const SHOWN_FACES = 3;

function sameGroup(before, entry) {
  return (
    before &&
    !before.notice && !entry.notice &&
    !before.message.ephemeral === !entry.message.ephemeral &&
    !before.broadcast && !entry.broadcast &&
    before.message.user === entry.message.user &&
    entry.message.ts - before.message.ts < GROUP_SECONDS
  );
}

/** The list's rows: messages in their order with dividers between. `newTs` is the first unread one. */
export function rows(entries, newTs = null) {
  const out = [];
  let before = null;
  for (const entry of entries) {
    const { ts } = entry.message;
    const newDay = !before || dayKey(before.message.ts) !== dayKey(ts);
    if (newDay) out.push({ kind: "day", key: `day-${dayKey(ts)}`, label: dayLabel(ts) });
    if (ts === newTs) out.push({ kind: "new", key: "new" });
    out.push({ kind: "message", key: entry.notice ? `notice-${entry.message.id}` : `${entry.message.ephemeral ? "e" : "m"}${ts}`, ...entry, head: newDay || ts === newTs || !sameGroup(before, entry) });
    before = entry;
  }
  return out;
}

const byTime = (a, b) => a.message.ts - b.message.ts;
const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

function threadOf(message, all) {
  const replies = all.filter((other) => other.thread_ts === message.ts && other.ts !== message.ts && !other.ephemeral);
  const count = Math.max(message.reply_count ?? 0, replies.length);
  if (count === 0) return null;
  return { count, last: replies.at(-1)?.ts ?? null, users: [...new Set(replies.map((reply) => reply.user))].slice(0, SHOWN_FACES) };
}

/** What Slack itself says to the member there, in the words of the page. */
export const noticesIn = (screen, channel) =>
  (screen.notices ?? []).filter((notice) => notice.channel === channel.id).map((notice) => ({ message: { ...notice, text: said(notice.words) }, notice: true }));

/** What is seen in a channel itself. */
export function channelEntries(screen, channel) {
  const shown = channel.messages.filter((message) => !isReply(message) || message.broadcast);
  const entries = shown.map((message) => (isReply(message) ? { message, broadcast: true } : { message, thread: threadOf(message, channel.messages) }));
  return [...entries, ...noticesIn(screen, channel)].sort(byTime);
}

/** What is seen in one of its threads, its first message first. */
export function threadEntries(channel, ts) {
  return channel.messages
    .filter((message) => message.ts === ts || message.thread_ts === ts)
    .map((message) => ({ message, broadcast: Boolean(message.broadcast) && isReply(message) }))
    .sort(byTime);
}

/** The scrolling list; `place` is what messages need to know of their surroundings. */
export class MessageList {
  #place;
  #stuck = true;
  #hidden = 0;

  constructor(place, { label, onbottom = () => {} }) {
    this.#place = place;
    this.onbottom = onbottom;
    this.list = h("div", { class: "message-list" });
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.toBottom() }, icon("down"), t("Latest messages"));
    this.scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": label, onscroll: () => this.#scrolled() }, this.list);
    this.node = h("div", { class: "messages" }, this.scroller, this.jump);
    // Images load, the phone's keyboard opens: the end stays in view.
    const observer = new ResizeObserver(() => this.#stuck && this.#snap());
    observer.observe(this.scroller);
    observer.observe(this.list);
  }

  get atBottom() {
    return this.#stuck;
  }

  toBottom() {
    this.#stuck = true;
    this.#snap();
  }

  render(items, intro = null) {
    const anchor = this.#stuck ? null : this.#anchor();
    reconcile(this.list, [...(intro ? [{ kind: "intro", key: "intro", intro }] : []), ...items], {
      key: (item) => item.key,
      build: (item) => this.#build(item),
      update: (node, item) => (item.kind === "message" ? renewMessage(node, item, this.#place) : node),
    });
    if (this.#stuck) this.#snap();
    else if (anchor?.node.isConnected) this.scroller.scrollTop += anchor.node.offsetTop - anchor.top;
    if (!this.#stuck && items.length > this.#hidden) this.jump.classList.add("fresh");
    this.#hidden = items.length;
  }

  #build(item) {
    if (item.kind === "day") return h("div", { class: "divider" }, h("span", {}, item.label));
    if (item.kind === "new") return h("div", { class: "divider new" }, h("span", {}, t("New")));
    if (item.kind === "intro") return h("div", { class: "intro" }, h("h2", {}, item.intro.title), h("p", {}, item.intro.text));
    return messageNode(item, this.#place);
  }

  #snap() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** The first message in view and where it stands. */
  #anchor() {
    const top = this.scroller.scrollTop;
    const node = [...this.list.children].find((child) => child.offsetTop + child.offsetHeight > top);
    return node ? { node, top: node.offsetTop } : null;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.#stuck = scrollHeight - scrollTop - clientHeight < BOTTOM_PX;
    this.jump.hidden = this.#stuck;
    if (!this.#stuck) return;
    this.jump.classList.remove("fresh");
    this.onbottom();
  }
}
