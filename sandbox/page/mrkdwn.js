// Slack's own mark-up, as in text objects and message texts, to DOM nodes.
// Foreign text only ever becomes text nodes and attributes of known elements.

import { formatDate } from "./dates.js";
import { h, link } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { displayName } from "./store.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** The three entities Slack knows, resolved once. */
export function decode(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);
}

/** What a `plain_text` object shows. */
export function plain(object) {
  const text = decode(typeof object === "string" ? object : (object?.text ?? ""));
  return object?.emoji === false ? text : withEmoji(text);
}

// What may stand inside emphasis without its marks counting: code, a link or mention, a shortcode.
const ATOM = "`[^`\\n]+`|<[^<>\\n]+>|:[a-z0-9_+-]+:";
// As in Slack, a mark counts only where no letter or digit of any script touches it from outside.
const emphasis = (mark) =>
  `(?<![\\p{L}\\p{N}${mark}])${mark}(?![\\s${mark}])((?:${ATOM}|[^${mark}\\n])*?)(?<!\\s)${mark}(?![\\p{L}\\p{N}${mark}])`;
const INLINE = new RegExp(
  ["`([^`\\n]+)`", "<([^<>\\n]+)>", "(https?:\\/\\/[^\\s<>|`]+)", emphasis("\\*"), emphasis("_"), emphasis("~"), ":([a-z0-9_+-]+):"].join("|"),
  "gu",
);

function inline(text, store, verbatim = false) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, angle, url, bold, italic, strike] = match;
    nodes.push(decode(text.slice(end, match.index)));
    end = match.index + whole.length;
    if (code !== undefined) nodes.push(h("code", {}, codeText(code)));
    else if (angle !== undefined) nodes.push(reference(angle, store));
    else if (url !== undefined) nodes.push(...(verbatim ? [decode(url)] : bareLink(url)));
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold, store, verbatim)));
    else if (italic !== undefined) nodes.push(h("em", {}, inline(italic, store, verbatim)));
    else if (strike !== undefined) nodes.push(h("s", {}, inline(strike, store, verbatim)));
    else nodes.push(withEmoji(whole));
  }
  nodes.push(decode(text.slice(end)));
  return nodes;
}

/** Code shows a link as what it was typed as. */
function codeText(text) {
  return decode(text.replace(/<((?:https?|mailto):[^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, address, label) => label ?? address));
}

function bareLink(url) {
  const tail = /[.,;:!?)\]*_~'"]*$/.exec(url)[0];
  const address = decode(url.slice(0, url.length - tail.length));
  return [link(address, address), tail];
}

/** What stands between `<` and `>`: a link, a mention or a date. */
function reference(inside, store) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? null : withEmoji(decode(inside.slice(bar + 1)));
  if (target.startsWith("@")) return userMention(target.slice(1), store, label);
  if (target.startsWith("#")) return channelMention(target.slice(1), store, label);
  if (target.startsWith("!")) return special(target.slice(1), label);
  const address = decode(target);
  if (/^(https?|mailto|tel):/i.test(address)) return link(address, label || address.replace(/^(mailto|tel):/i, ""));
  return decode(`<${inside}>`);
}

/** A member's name, highlighted; more so if it is the reader's. */
export function userMention(id, store, label = null) {
  const member = store.member(id);
  const name = member.name === id && label ? label.replace(/^@/, "") : displayName(member);
  return h("span", { class: id === store.as ? "mention mention-me" : "mention" }, `@${name}`);
}

/** A channel's name, a link if the reader is in it. */
export function channelMention(id, store, label = null) {
  const known = store.channel(id);
  const name = `#${known?.name ?? label ?? "unknown"}`;
  return known ? h("a", { class: "mention", href: `#/${encodeURIComponent(id)}` }, name) : h("span", { class: "mention" }, name);
}

function special(command, label) {
  const [kind, ...rest] = command.split("^");
  if (kind === "date") {
    const [ts, format = "", address] = rest;
    const text = formatDate(ts, decode(format)) ?? label ?? "";
    return address ? link(decode(address), text) : h("span", { title: label }, text);
  }
  if (kind === "subteam") return h("span", { class: "mention" }, label ?? `@${rest[0]}`);
  return h("span", { class: "mention mention-me" }, label ?? `@${kind}`);
}

const QUOTE = /^(?:&gt;|>) ?/;
const QUOTE_REST = /^(?:&gt;|>){3} ?/;
const LIST_ITEM = /^(\s*)(?:[•◦▪–-]|\d+\.) /;

function lines(text, store, verbatim) {
  const out = [];
  const all = text.split("\n");
  let previous = null;
  for (let index = 0; index < all.length; index += 1) {
    let line = all[index];
    if (QUOTE_REST.test(line)) {
      const rest = [line.replace(QUOTE_REST, ""), ...all.slice(index + 1)].join("\n");
      out.push(h("blockquote", {}, lines(rest, store, verbatim)));
      return out;
    }
    if (QUOTE.test(line)) {
      const quoted = [];
      for (; index < all.length && QUOTE.test(all[index]); index += 1) quoted.push(all[index].replace(QUOTE, ""));
      index -= 1;
      out.push(h("blockquote", {}, lines(quoted.join("\n"), store, verbatim)));
      previous = "block";
      continue;
    }
    const item = LIST_ITEM.exec(line);
    if (item) {
      out.push(h("span", { class: "list-line", style: { "--depth": Math.min(6, item[1].length) } }, inline(line.trimStart(), store, verbatim)));
      previous = "block";
      continue;
    }
    if (previous === "text" || (previous === "block" && line === "")) out.push(h("br"));
    if (line !== "") out.push(...inline(line, store, verbatim));
    previous = line === "" && previous === "block" ? "block" : "text";
  }
  return out;
}

/** The nodes that show a `mrkdwn` text. */
export function mrkdwn(text, store, { verbatim = false } = {}) {
  const parts = String(text ?? "").split(/```([\s\S]+?)```/);
  return parts.flatMap((part, index) => {
    if (index % 2 === 1) return [h("pre", {}, codeText(part.replace(/^\n/, "").replace(/\n$/, "")))];
    // The line breaks next to a code block are the block's own.
    let outside = index > 0 ? part.replace(/^ *\n/, "") : part;
    if (index < parts.length - 1) outside = outside.replace(/\n *$/, "");
    return outside === "" ? [] : lines(outside, store, verbatim);
  });
}

/** The nodes that show a text object of either type. */
export function textObject(object, store) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, store, { verbatim: object.verbatim }) : breaks(plain(object));
}

function breaks(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line]));
}
