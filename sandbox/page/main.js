// Puts the page together: where one is (the address), what is shown there, and the line to the server.

import { ChannelPane, ThreadPane } from "./conversation.js";
import { speak } from "./dates.js";
import { h } from "./dom.js";
import { Home } from "./home.js";
import { Host } from "./host.js";
import { noticesIn } from "./messages.js";
import { Modals } from "./modal.js";
import { renderSidebar, renderTopbar } from "./sidebar.js";
import { Store, displayName } from "./store.js";
import { toast } from "./toast.js";
import { t, turnTo } from "./words.js";

const RETRY_MS = 1500;
const SAID_CHARACTERS = 300;

const byId = (id) => document.getElementById(id);
const store = new Store();
const hosts = new Map();

/** What a set of blocks holds outlives its being drawn: one returns to a channel and finds it unchanged. */
function hostOf(address, part = "") {
  const key = JSON.stringify([address, part]);
  if (!hosts.has(key)) hosts.set(key, new Host(store, address));
  return hosts.get(key);
}

/** Where the address says we are: `#/home`, `#/C1`, `#/C1/<thread ts>`. */
function here() {
  // Ids and timestamps need no escapes; what is not one of them is simply not found.
  const [, first = "", thread = null] = location.hash.split("/");
  if (first === "home") return { home: true, channel: store.appChannel()?.id ?? null, thread: null };
  const channel = store.channel(first) ?? store.screen?.channels.find((other) => other.kind !== "im") ?? store.screen?.channels[0];
  return { home: false, channel: channel?.id ?? null, thread: channel?.id === first ? thread : null };
}

function go(hash) {
  if (location.hash === hash) render();
  else location.hash = hash;
}

const channelHash = (channel, thread) => `#/${channel}${thread ? `/${thread}` : ""}`;

let threadOpener = null;

function closeThread() {
  go(channelHash(here().channel));
  if (threadOpener?.isConnected) threadOpener.focus();
}

function openThread(channel, ts) {
  threadOpener = document.activeElement;
  go(channelHash(channel, ts));
  thread.composer.input.focus({ preventScroll: true });
}

const header = h("header", { class: "pane-header channel-header" });
let home = null;
const newHome = () => new Home((viewId) => hostOf({ view_id: viewId }));
let pane = null;
let thread = null;
let modals = null;

function renderHeader(channel, place, isApp) {
  const name = isApp ? displayName(store.member(store.bot.id)) : (channel?.name ?? "");
  const sign = isApp || channel?.kind === "im" ? "" : channel?.kind === "private" ? "🔒 " : "# ";
  const tab = (label, hash, current) => h("a", { href: hash, class: "tab", "aria-current": current ? "page" : null }, label);
  const drawn = JSON.stringify([name, sign, channel?.id, channel?.topic, isApp, place.home]);
  if (header.dataset.drawn === drawn) return;
  header.dataset.drawn = drawn;
  header.replaceChildren(
    h("h1", {}, `${sign}${name}`, isApp ? h("span", { class: "badge-app" }, "APP") : null),
    isApp
      ? h("nav", { class: "tabs", "aria-label": t("App") }, tab(t("Home"), "#/home", place.home), channel ? tab(t("Messages"), channelHash(channel.id), !place.home) : null)
      : h("p", { class: "topic" }, t(channel?.topic ?? "")),
  );
}

function renderMain(place) {
  const channel = store.channel(place.channel);
  const isApp = place.home || (channel && channel === store.appChannel());
  renderHeader(channel, place, isApp);
  const shown = place.home ? home.node : pane.node;
  if (shown.parentNode !== byId("main")) byId("main").replaceChildren(header, shown);
  if (place.home) home.render(store.screen.home);
  else if (channel) pane.render(channel, isApp);
  const open = Boolean(place.thread && channel && thread.render(channel, place.thread));
  byId("thread").hidden = !open;
  document.body.classList.toggle("in-thread", open);
  const unread = store.screen.channels.reduce((sum, other) => sum + (other.mentions || 0), 0);
  const name = place.home ? `${store.bot.name} home` : `${channel?.kind === "im" ? "" : "#"}${channel?.name ?? ""}`;
  document.title = `${unread ? `(${unread}) ` : ""}${name} · ${displayName(store.member(store.as)).split(" ")[0]}`;
}

/** Nothing of one person can be seen or pressed while the screen of the next is not there yet. */
function blank() {
  byId("main").replaceChildren();
  byId("sidebar").replaceChildren();
  byId("thread").hidden = true;
  modals.render([]);
}

function render() {
  drawTopbar();
  if (!store.screen) return blank();
  speak(store.screen.locale);
  if (turnTo(store.screen.locale)) build();
  const place = here();
  renderSidebar(byId("sidebar"), store, place);
  renderMain(place);
  modals.render(store.screen.views ?? []);
  announce(place);
}

let heard = { key: "", ts: 0 };

/** A text as it is said, with people's names for their ids. */
const spoken = (text) => text.replace(/<@(\w+)>/g, (whole, id) => (store.member(id) ? `@${displayName(store.member(id))}` : whole));

/** Says new messages of the open channel to those who listen. */
function announce(place) {
  const channel = store.channel(place.channel);
  if (!channel) return;
  const key = `${store.as}/${channel.id}`;
  const all = [...channel.messages, ...noticesIn(store.screen, channel).map((notice) => notice.message)];
  const last = all.reduce((latest, message) => Math.max(latest, Number(message.ts)), 0);
  if (heard.key === key && last > heard.ts) {
    const fresh = all.filter((message) => Number(message.ts) > heard.ts && message.user !== store.as);
    byId("announcer").replaceChildren(...fresh.map((message) => h("p", {}, `${message.user ? displayName(store.member(message.user)) : "Slackbot"}: ${spoken(message.text ?? "").slice(0, SAID_CHARACTERS)}`)));
  }
  heard = { key, ts: last };
}

function become(person, push) {
  const url = new URL(location.href);
  url.searchParams.set("as", person.name);
  if (push) history.pushState(null, "", url);
  hosts.clear();
  pane.forget();
  store.become(person.id);
  render();
}

const drawerButton = () => byId("topbar").querySelector(".menu-button");

function toggleDrawer() {
  const open = document.body.classList.toggle("drawer-open");
  drawerButton().setAttribute("aria-expanded", String(open));
  if (open) (byId("sidebar").querySelector("[aria-current]") ?? byId("sidebar").querySelector("a"))?.focus();
}

function closeDrawer() {
  if (!document.body.classList.contains("drawer-open")) return;
  toggleDrawer();
  drawerButton().focus();
}

function showConnection() {
  const banner = byId("connection");
  banner.hidden = store.connected || (!store.screen && !banner.dataset.lost);
  banner.dataset.lost = "yes";
  banner.textContent = t("Connection lost. Trying again…");
}

function moved() {
  const person = store.personNamed(new URL(location.href).searchParams.get("as"));
  if (person.id !== store.as) become(person, false);
  else render();
  if (here().home && store.screen) store.act("home");
}

function wire() {
  store.addEventListener("screen", render);
  store.addEventListener("connection", showConnection);
  // The Home tab is built anew whenever it is opened, also by an address or after a change of person.
  let homeFor = "";
  store.addEventListener("screen", () => {
    if (here().home && homeFor !== store.as) store.act("home");
    homeFor = store.as;
  });
  window.addEventListener("popstate", moved);
  window.addEventListener("online", () => store.hurry());
  window.addEventListener("focus", () => store.hurry());
  document.addEventListener("visibilitychange", () => {
    store.hurry();
    if (store.screen) pane.read();
  });
  byId("sidebar").addEventListener("click", (event) => {
    const pressed = event.target.closest("a, .lever");
    if (!pressed) return;
    if (pressed.getAttribute("href") === location.hash && here().home) store.act("home");
    document.body.classList.remove("drawer-open");
    drawerButton().setAttribute("aria-expanded", "false");
  });
  document.addEventListener("click", (event) => {
    if (document.body.classList.contains("drawer-open") && !event.target.closest("#sidebar, .menu-button")) closeDrawer();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (document.body.classList.contains("drawer-open")) closeDrawer();
    else if (byId("thread").contains(event.target)) closeThread();
  });
}

/** Makes the parts of the page, whose words are in the language of that moment. */
function build() {
  modals?.render([]);
  for (const id of ["topbar", "main", "sidebar", "thread"]) byId(id).replaceChildren();
  delete header.dataset.drawn;
  home = newHome();
  pane = new ChannelPane(store, { hostOf, openThread });
  thread = new ThreadPane(store, { hostOf, onclose: closeThread });
  modals = new Modals(store, document.body);
  byId("thread").append(thread.node);
  drawTopbar();
}

const drawTopbar = () => renderTopbar(byId("topbar"), store, { onmenu: toggleDrawer, onperson: (person) => become(person, true) });

async function start() {
  try {
    await store.load();
  } catch {
    byId("connection").hidden = false;
    byId("connection").textContent = t("The sandbox server does not answer. Trying again…");
    setTimeout(start, RETRY_MS);
    return;
  }
  byId("connection").hidden = true;
  build();
  wire();
  become(store.personNamed(new URL(location.href).searchParams.get("as")), false);
}

start();
