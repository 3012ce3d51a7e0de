// The `markdown` block: the part of CommonMark and GitHub tables that Slack renders.

import { h, link } from "./dom.js";
import { withEmoji } from "./emoji.js";

const INLINE =
  /\\([\\`*_{}[\]()#+.!~|>-])|(`+)([^`]|[^`][\s\S]*?[^`])\2(?!`)|!?\[([^\]\n]*)\]\(([^()\s]+)(?:\s+"[^"]*")?\)|<(https?:\/\/[^<>\s]+)>|(https?:\/\/[^\s<>)]+)|\*\*\*(?=\S)([\s\S]+?)\*\*\*|\*\*(?=\S)([\s\S]+?)\*\*|__(?=\S)([\s\S]+?)__|~~(?=\S)([\s\S]+?)~~|\*(?=[^\s*])([^*]+?)\*|(?<!\w)_(?=[^\s_])([^_]+?)_(?!\w)|( {2,}|\\)?\n/g;

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(withEmoji(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const [whole, escaped, , code, label, address, angle, bare, both, strong, strong2, strike, em, em2] = match;
    const bold = strong ?? strong2;
    const italic = em ?? em2;
    if (escaped !== undefined) nodes.push(escaped);
    else if (code !== undefined) nodes.push(h("code", {}, code));
    else if (address !== undefined) nodes.push(link(address, inline(label)));
    else if (angle ?? bare) nodes.push(link(angle ?? bare, angle ?? bare));
    else if (both !== undefined) nodes.push(h("strong", {}, h("em", {}, inline(both))));
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold)));
    else if (strike !== undefined) nodes.push(h("s", {}, inline(strike)));
    else if (italic !== undefined) nodes.push(h("em", {}, inline(italic)));
    else if (whole.endsWith("\n")) nodes.push(h("br"));
  }
  nodes.push(withEmoji(text.slice(end)));
  return nodes;
}

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const FENCE = /^\s*(```|~~~)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());
const startsBlock = (line) => line.trim() === "" || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || ITEM.test(line) || /^\s*>/.test(line);

/** Takes lines off the front while they satisfy the predicate. */
function takeWhile(rest, predicate) {
  const taken = [];
  while (rest.length && predicate(rest[0])) taken.push(rest.shift());
  return taken;
}

function table(rest) {
  const head = cells(rest.shift());
  const align = cells(rest.shift()).map((cell) => (/^:-+:$/.test(cell) ? "center" : cell.endsWith(":") ? "right" : "left"));
  const rows = takeWhile(rest, (line) => line.includes("|")).map(cells);
  const row = (tag, values) => h("tr", {}, head.map((_, index) => h(tag, { class: `align-${align[index] ?? "left"}` }, inline(values[index] ?? ""))));
  return h("div", { class: "table-scroll", tabindex: "0" }, h("table", {}, h("thead", {}, row("th", head)), h("tbody", {}, rows.map((values) => row("td", values)))));
}

function list(rest) {
  const [, indent, marker] = ITEM.exec(rest[0]);
  const ordered = /\d/.test(marker);
  const node = h(ordered ? "ol" : "ul", { start: ordered && marker !== "1." ? Number.parseInt(marker, 10) : null });
  while (rest.length) {
    const item = ITEM.exec(rest[0]);
    if (!item || item[1].length < indent.length) break;
    if (item[1].length > indent.length + 1) {
      (node.lastElementChild ?? node).append(list(rest));
      continue;
    }
    if (/\d/.test(item[2]) !== ordered) break;
    rest.shift();
    const more = takeWhile(rest, (line) => !startsBlock(line));
    const task = /^\[([ xX])\] /.exec(item[3]);
    const text = [task ? item[3].slice(4) : item[3], ...more.map((line) => line.trim())].join("\n");
    node.append(h("li", { class: task ? "task" : null }, task ? (task[1] === " " ? "☐ " : "☑ ") : null, inline(text)));
  }
  return node;
}

function block(rest) {
  const line = rest[0];
  if (FENCE.test(line)) {
    const mark = FENCE.exec(rest.shift())[1];
    const code = takeWhile(rest, (next) => !next.trim().startsWith(mark));
    rest.shift();
    return h("pre", {}, code.join("\n"));
  }
  const heading = HEADING.exec(line);
  if (heading) {
    rest.shift();
    return h(`h${Math.min(6, heading[1].length + 2)}`, { class: `md-heading md-h${heading[1].length}` }, inline(heading[2]));
  }
  if (RULE.test(line)) {
    rest.shift();
    return h("hr");
  }
  if (/^\s*>/.test(line)) {
    const quoted = takeWhile(rest, (next) => /^\s*>/.test(next)).map((next) => next.replace(/^\s*> ?/, ""));
    return h("blockquote", {}, markdown(quoted.join("\n")));
  }
  if (ITEM.test(line)) return list(rest);
  if (line.includes("|") && rest.length > 1 && TABLE_RULE.test(rest[1]) && rest[1].includes("-")) return table(rest);
  const first = rest.shift();
  return h("p", {}, inline([first, ...takeWhile(rest, (next) => !startsBlock(next))].join("\n")));
}

/** The nodes that show a Markdown text. */
export function markdown(text) {
  const rest = String(text ?? "").replaceAll("\r\n", "\n").split("\n");
  const nodes = [];
  while (rest.length) {
    if (rest[0].trim() === "") rest.shift();
    else nodes.push(block(rest));
  }
  return nodes;
}
