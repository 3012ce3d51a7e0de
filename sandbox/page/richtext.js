// `rich_text` blocks and the rich cells of tables.

import { formatDate } from "./dates.js";
import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { channelMention, userMention } from "./mrkdwn.js";

const WRAPPERS = [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"], ["underline", "u"]];

function styled(node, style) {
  return WRAPPERS.reduce((inner, [name, tag]) => (style?.[name] ? h(tag, {}, inner) : inner), node);
}

function emojiOf(element) {
  const points = element.unicode?.split("-").map((code) => Number.parseInt(code, 16)) ?? [];
  if (points.length && points.every((point) => point > 0 && point <= 0x10ffff)) return String.fromCodePoint(...points);
  return emoji(element.name ?? "") ?? `:${element.name}:`;
}

function inlineElement(element, store) {
  switch (element.type) {
    case "text":
      return (element.text ?? "").split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line]));
    case "link":
      return [link(element.url, element.text || element.url)];
    case "emoji":
      return [emojiOf(element)];
    case "user":
      return [userMention(element.user_id, store)];
    case "channel":
      return [channelMention(element.channel_id, store)];
    case "usergroup":
      return [h("span", { class: "mention" }, `@${element.usergroup_id}`)];
    case "broadcast":
      return [h("span", { class: "mention mention-me" }, `@${element.range}`)];
    case "date":
      return [formatDate(element.timestamp, element.format ?? "{date}") ?? element.fallback ?? ""];
    case "color":
      return [h("code", {}, element.value ?? "")];
    default:
      return [];
  }
}

function section(elements, store) {
  return (elements ?? []).map((element) => {
    const nodes = inlineElement(element, store);
    return element.style ? styled(h("span", {}, nodes), element.style) : nodes;
  });
}

function pre(elements, store) {
  return (elements ?? []).map((element) =>
    element.type === "text" ? element.text : element.type === "link" ? element.text || element.url : inlineElement(element, store),
  );
}

/** A run of lists that follow each other; deeper ones by `indent`, as Slack posts them. */
function list(element, store) {
  const tag = element.style === "ordered" ? "ol" : "ul";
  const indent = Math.min(8, Number(element.indent) || 0);
  return h(
    tag,
    { class: `rich-list indent-${indent % 3}`, style: { "--indent": indent }, start: tag === "ol" && element.offset ? element.offset + 1 : null },
    (element.elements ?? []).map((item) => h("li", {}, section(item.elements, store))),
  );
}

/** The nodes that show a `rich_text` object. */
export function richText(object, store) {
  return (object.elements ?? []).map((element) => {
    if (element.type === "rich_text_list") return list(element, store);
    if (element.type === "rich_text_preformatted") return h("pre", {}, pre(element.elements, store));
    if (element.type === "rich_text_quote") return h("blockquote", {}, section(element.elements, store));
    return h("div", { class: "rich-section" }, section(element.elements, store));
  });
}
