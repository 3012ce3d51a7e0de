// The workspace's frame: who one acts as, and the list of channels, direct messages and the app.

import { openChain } from "./chain.js";
import { h, icon, reconcile } from "./dom.js";
import { avatar } from "./message.js";
import { displayName } from "./store.js";
import { t } from "./words.js";

/** The bar at the top: workspace name and person switcher. */
export function renderTopbar(parent, store, { onmenu, onperson }) {
  if (!parent.firstChild) {
    parent.append(
      h("button", { type: "button", class: "icon-button menu-button", "aria-label": t("Channels"), "aria-controls": "sidebar", "aria-expanded": "false", onclick: onmenu }, icon("menu")),
      h("strong", { class: "workspace-name" }, t("Sandbox workspace")),
      h("div", { class: "people", role: "group", "aria-label": t("Act as") }, h("span", { class: "people-label", "aria-hidden": "true" }, t("Acting as"))),
    );
  }
  markUnread(parent.querySelector(".menu-button"), store);
  const people = store.people.map((person) => ({ ...person, color: store.member(person.id).color, current: person.id === store.as }));
  const box = parent.querySelector(".people");
  if (!box.list) box.append((box.list = h("div", { class: "people-list" })));
  reconcile(box.list, people, {
    key: (person) => person.id,
    build: (person) => personLink(person, onperson),
    update: (node, person) => {
      if (person.current) node.setAttribute("aria-current", "true");
      else node.removeAttribute("aria-current");
      node.querySelector(".avatar").replaceWith(avatar(person, "small"));
    },
  });
}

/** What is new in the side bar shows while that is closed as well. */
function markUnread(button, store) {
  const channels = store.screen?.channels ?? [];
  const loud = channels.reduce((sum, channel) => sum + (channel.kind === "im" ? Math.max(channel.mentions ?? 0, channel.unread ?? 0) : (channel.mentions ?? 0)), 0);
  const any = loud > 0 || channels.some((channel) => channel.unread);
  button.querySelector(".badge")?.remove();
  if (any) button.append(h("span", { class: "badge", "aria-hidden": "true" }, loud ? String(loud) : ""));
  button.setAttribute("aria-label", `${t("Channels")}${loud ? t(", {count} new", { count: loud }) : any ? t(", unread") : ""}`);
}

function personLink(person, onperson) {
  const name = displayName(person);
  return h(
    "a",
    {
      href: `?as=${encodeURIComponent(person.name)}`,
      class: "person",
      title: `${name}${person.title ? `, ${t(person.title)}` : ""}. ${t("Open in a new tab to be several people at once.")}`,
      "aria-label": `${t("Act as {name}", { name })}${person.title ? `, ${t(person.title)}` : ""}`,
      "aria-current": person.current ? "true" : null,
      onclick: (event) => {
        // A click meant for a new tab or window stays the browser's.
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        onperson(person);
      },
    },
    avatar(person, "small"),
    h("span", { class: "person-text" }, h("span", {}, name.split(" ")[0]), person.title ? h("small", {}, t(person.title)) : null),
  );
}

function rowsOf(store, here) {
  const { channels } = store.screen;
  const app = store.appChannel();
  const row = (channel) => ({
    id: channel.id,
    kind: channel.kind,
    name: channel.name,
    unread: channel.unread ?? 0,
    mentions: channel.kind === "im" ? Math.max(channel.mentions ?? 0, channel.unread ?? 0) : (channel.mentions ?? 0),
    current: here.channel === channel.id && !here.home,
  });
  const appRow = app ? row(app) : { id: "home", kind: "im", name: store.bot.name, unread: 0, mentions: 0 };
  const appTarget = appRow.unread ? appRow.id : "home";
  return [
    { title: t("Channels"), rows: channels.filter((channel) => channel.kind !== "im").map(row) },
    { title: t("Direct messages"), rows: channels.filter((channel) => channel.kind === "im" && channel !== app).map(row) },
    { title: t("Apps"), rows: [{ ...appRow, kind: "app", current: here.home || appRow.current, target: appTarget }] },
    { title: t("The chain"), rows: store.hasChain ? [{ id: "chain", kind: "lever", name: t("Orders on the chain") }] : [] },
    { title: t("Language of Slack"), rows: [store.screen.locale], as: store.as },
  ].filter((group) => group.rows.length);
}

/** The language that the person has set in Slack: the bot's words and the page's dates follow it. */
function languageMenu(locale, store) {
  const options = [["en-US", "English"], ["zh-CN", "简体中文"]].map(([value, name]) => h("option", { value, selected: value === locale ? "" : null }, name));
  return h("select", { class: "language", "aria-label": t("Language of Slack"), onchange: (event) => store.act("speak", { locale: event.target.value }).then(() => location.reload()) }, options);
}

function channelRow(row, store) {
  if (row.kind === "lever") return h("button", { type: "button", class: "row lever", onclick: openChain }, h("span", { class: "row-sign" }, icon("chain")), h("span", { class: "row-name" }, row.name));
  const member = row.kind === "app" ? store.member(store.bot.id) : (store.screen.members.find((other) => [other.name, other.id, other.real_name].includes(row.name)) ?? { id: row.id, name: row.name });
  const sign = { channel: "#", private: icon("lock") }[row.kind] ?? avatar(member, "tiny");
  const said = row.mentions ? t(", {count} new", { count: row.mentions }) : row.unread ? t(", unread") : "";
  return h(
    "a",
    { href: `#/${row.target ?? row.id}`, class: row.unread ? "row unread" : "row", "aria-current": row.current ? "page" : null, "aria-label": `${row.name}${said}`, "data-channel": row.id },
    h("span", { class: "row-sign" }, sign),
    h("span", { class: "row-name" }, ["im", "app"].includes(row.kind) ? displayName(member) : row.name),
    row.mentions ? h("span", { class: "badge" }, String(row.mentions)) : null,
  );
}

/** The list of places; `here` is where one is. */
export function renderSidebar(parent, store, here) {
  const active = parent.contains(document.activeElement) ? document.activeElement.dataset.channel : null;
  reconcile(parent, rowsOf(store, here), {
    key: (group) => group.title,
    build: (group) => h("section", {}, h("h2", {}, group.title), group.rows.map((row) => (typeof row === "string" ? languageMenu(row, store) : channelRow(row, store)))),
  });
  if (active) parent.querySelector(`[data-channel="${CSS.escape(active)}"]`)?.focus();
}
