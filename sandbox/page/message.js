// One message: who, when, blocks or text, files, thread summary. Renewed in place when it changes.

import { ago, clock, fullTime } from "./dates.js";
import { renderBlocks } from "./blocks.js";
import { h, icon, keepFocus, link } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { file } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";
import { openMenu } from "./popover.js";
import { displayName } from "./store.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const COLOURS = ["#7a4fb5", "#2b7a9b", "#b0562a", "#3d7f4f", "#a83a68", "#5664b8"];

/** A member's picture: initials on their colour. */
export function avatar(member, size = "") {
  const letters = displayName(member).split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toUpperCase();
  const number = [...member.id].reduce((sum, letter) => sum + letter.codePointAt(0), 0);
  const colour = /^#?([0-9a-f]{6})$/i.exec(member.color ?? "");
  return h(
    "span",
    { class: `avatar ${size} ${member.is_bot ? "avatar-bot" : ""}`, style: { "--colour": colour ? `#${colour[1]}` : COLOURS[number % COLOURS.length] }, "aria-hidden": "true" },
    letters || "?",
  );
}

function summary({ count, last, users }, store, open) {
  return h(
    "button",
    { type: "button", class: "thread-summary", "data-focus": "thread", onclick: open },
    users.map((id) => avatar(store.member(id), "tiny")),
    h("strong", {}, count === 1 ? t("1 reply") : t("{count} replies", { count })),
    last ? h("small", {}, t("Last reply {ago}", { ago: ago(last) })) : null,
  );
}

function author(item, store) {
  const member = item.notice ? { id: "slackbot", name: "Slackbot", color: "#4a154b" } : store.member(item.message.user);
  return { ...member, is_bot: item.message.bot || member.is_bot };
}

/**
 * The node of a message. `item` is `{message, head, thread, notice}`; `place` knows the `store`, the
 * `channel`, the `host(message, attachment)` of blocks and, where there are threads, `openThread(ts)`.
 */
export function messageNode(item, place) {
  const content = h("div", { class: "message-content" });
  const node = h("article", { class: "message", "data-ts": item.message.ts }, content);
  renewMessage(node, item, place);
  return node;
}

/** Brings a message's node up to date; blocks that did not change stay as they are. */
export function renewMessage(node, item, place) {
  const { message, head, thread, notice } = item;
  const { store } = place;
  const content = node.querySelector(".message-content");
  const member = author(item, store);
  const ephemeral = message.ephemeral || notice;
  const threadTs = message.thread_ts ?? message.ts;
  const open = place.openThread && !ephemeral ? () => place.openThread(threadTs) : null;
  node.className = ["message", head && "head", ephemeral && "ephemeral", notice && "notice"].filter(Boolean).join(" ");
  node.setAttribute("aria-label", `${displayName(member)}, ${clock(message.ts)}`);
  const time = h("time", { title: fullTime(message.ts) }, clock(message.ts));
  const notes = [
    ephemeral ? h("p", { class: "note" }, icon("eye"), t("Only visible to you")) : null,
    item.broadcast ? h("p", { class: "note" }, icon("reply"), place.openThread ? h("button", { type: "button", class: "link-button", "data-focus": "replied", onclick: open }, t("replied to a thread")) : t("Also sent to the channel")) : null,
  ];
  const name = h("header", {}, h("strong", { class: "author" }, displayName(member)), member.is_bot ? h("span", { class: "badge-app" }, "APP") : null, time);
  const body = h("div", { class: "message-body" });
  keepFocus(node, () => {
    fill(content, message, place);
    if (!node.querySelector(".message-body")) {
      body.append(content);
      node.append(h("div", { class: "gutter" }), body);
    }
    const gutter = node.querySelector(".gutter");
    gutter.replaceChildren(head ? avatar(member) : time.cloneNode(true));
    const frame = node.querySelector(".message-body");
    for (const child of [...frame.children]) if (child !== content) child.remove();
    content.before(...notes.filter(Boolean), ...(head ? [name] : []));
    content.after(...[...extras(message, place), thread ? summary(thread, store, open) : null].filter(Boolean));
    node.querySelector(":scope > .toolbar")?.remove();
    if (!ephemeral) node.append(toolbar({ ...message, channel: place.channel }, store, open));
  });
}

// What a person typed comes with an equivalent rich_text block; the text is shown as an app's would be.
const hasBlocks = (message) => message.bot && message.blocks?.length > 0;

function attachment(spec, index, message, place) {
  const colour = /^#?([0-9a-f]{6})$/i.exec(spec.color ?? "");
  const blocks = h("div", { class: "attachment-blocks" });
  if (spec.blocks?.length) renderBlocks(blocks, spec.blocks, place.host(message, index));
  const text = spec.blocks?.length ? null : h("div", { class: "text" }, mrkdwn(spec.text ?? spec.fallback, place.store));
  return h(
    "div",
    { class: "attachment", style: colour ? { "--colour": `#${colour[1]}` } : {} },
    spec.pretext ? h("div", { class: "text" }, mrkdwn(spec.pretext, place.store)) : null,
    spec.title ? h("div", { class: "attachment-title" }, spec.title_link ? link(spec.title_link, spec.title) : spec.title) : null,
    text,
    blocks,
    spec.footer ? h("div", { class: "context" }, spec.footer) : null,
  );
}

function reaction({ name, users }, store) {
  const names = users.map((id) => displayName(store.member(id))).join(", ");
  return h("span", { class: users.includes(store.as) ? "reaction mine" : "reaction", title: t("{names} reacted with {emoji}", { names, emoji: `:${name}:` }) }, `${withEmoji(`:${name}:`)} ${users.length}`);
}

/** What follows a message's words. */
function extras(message, place) {
  return [
    message.edited && hasBlocks(message) ? h("span", { class: "edited" }, t("(edited)")) : null,
    ...(message.attachments ?? []).map((spec, index) => attachment(spec, index, message, place)),
    message.files?.length ? h("div", { class: "files" }, message.files.map(file)) : null,
    message.reactions?.length ? h("div", { class: "reactions" }, message.reactions.map((spec) => reaction(spec, place.store))) : null,
  ];
}

function toolbar(message, store, open) {
  const reply = h("button", { type: "button", class: "icon-button", "aria-label": t("Reply in thread"), title: t("Reply in thread"), "data-focus": "reply", onclick: open }, icon("reply"));
  const use = async ({ callback_id: id }) => {
    const answer = await store.act("shortcut", { channel: message.channel, ts: message.ts, callback_id: id });
    if (!answer.ok) toast(answer.error);
  };
  const items = store.shortcuts.filter((shortcut) => shortcut.type === "message" && !message.ephemeral).map((shortcut) => ({ label: shortcut.name, run: () => use(shortcut) }));
  const more = h(
    "button",
    { type: "button", class: "icon-button", "aria-label": t("More message actions"), title: t("More actions"), "aria-haspopup": "menu", "aria-expanded": "false", "data-focus": "more", onclick: () => openMenu(more, items, t("More message actions")) },
    icon("more"),
  );
  return h("div", { class: "toolbar" }, open ? reply : null, items.length ? more : null);
}

function fill(content, message, place) {
  if (hasBlocks(message)) {
    if (content.classList.contains("plain")) content.replaceChildren();
    content.className = "message-content";
    renderBlocks(content, message.blocks, place.host(message));
  } else {
    content.className = "message-content plain text";
    content.replaceChildren(...mrkdwn(message.text, place.store), ...(message.edited ? [h("span", { class: "edited" }, " (edited)")] : []));
  }
}
