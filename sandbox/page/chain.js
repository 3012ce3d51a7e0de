// The panel of the demo's chain: what its orders and its nodes do next. Knows /chain-control/*.

import { h, icon } from "./dom.js";
import { t } from "./words.js";

const STATE = "/chain-control/state";
const LOOP_SECONDS = 900; // how often a node looks at its orders
const ENDS = [["It ends in 50 minutes", { minutes: 50 }], ["It ends in 5 minutes", { minutes: 5 }], ["It ends now", { minutes: 0 }], ["It ended 3 days ago", { days: -3, minutes: -30 }]];
// A little more, so that the warning is seen to come: a session for the node is added meanwhile.
const DELETIONS = [["{node} deletes a machine in 24 hours", { hours: 24, minutes: 15 }], ["{node} deletes a machine in 6 hours", { hours: 6, minutes: 15 }]];
const HEALTH = [["well", "is well"], ["unreadable", "cannot be read"], ["stuck", "stands still"], ["contradicting", "contradicts itself"]];

async function ask(path, body) {
  try {
    const response = await fetch(path, body ? { method: "POST", body: JSON.stringify(body) } : {});
    const found = await response.json();
    return response.ok ? found : { error: found.error || t("The server answered {status}.", { status: response.status }) };
  } catch {
    return { error: t("The sandbox server did not answer. Is it still running?") };
  }
}

/** Whether this sandbox has a chain at all. */
export async function hasChain() {
  return !(await ask(STATE)).error;
}

function lasting(seconds) {
  const minutes = Math.round(Math.abs(seconds) / 60);
  if (minutes < 120) return t("{count} minutes", { count: minutes });
  return minutes < 48 * 60 ? t("{count} hours", { count: Math.round(minutes / 60) }) : t("{count} days", { count: Math.round(minutes / 1440) });
}

function told({ state, in_seconds: left }) {
  if (state === "lapsed") return t("Lapsed");
  if (state === "ended") return t("Ended: {time} ago", { time: lasting(left) });
  return state === "waiting" ? t("Has to be confirmed within {time}", { time: lasting(left) }) : t("Ends in {time}", { time: lasting(left) });
}

/** Opens the panel; closing it takes it away. */
export async function openChain() {
  const said = h("p", { class: "chain-said", role: "status" });
  const body = h("div", { class: "modal-body chain" });
  const pressing = (path, given, words = "") => async () => {
    const found = await ask(path, given);
    if (found.orders) draw(found);
    said.textContent = found.error ?? words;
  };
  const button = (label, path, given, words) => h("button", { type: "button", class: "button", onclick: pressing(path, given, words) }, label);
  const order = (one) => {
    const at = `/chain-control/orders/${one.number}`;
    const acts = { waiting: [button(t("Confirm"), `${at}/confirm`, {})], renting: [button(t("Renew for 3 days"), `${at}/renew`, { days: 3 }), ...ENDS.map(([label, given]) => button(t(label), `${at}/end`, given))] };
    return h("section", { "data-order": one.number }, h("h3", {}, t("Order {number}, {node}", one)), h("p", {}, told(one)), h("div", { class: "chain-acts" }, acts[one.state] ?? []));
  };
  const draw = ({ orders, nodes, health }) => {
    const rented = orders.filter((one) => ["waiting", "renting"].includes(one.state)).map((one) => one.node);
    const free = nodes.filter((node) => !rented.includes(node));
    const ill = HEALTH.map(([value, label]) => {
      const choice = button(t(label), "/chain-control/health", { is: value });
      choice.setAttribute("aria-pressed", String(value === health));
      return choice;
    });
    body.replaceChildren(
      h("p", { class: "hint" }, t("The bot looks at a running order every nine minutes; Done below its warning has it look within a minute.")),
      ...orders.map(order),
      h("section", { class: "chain-acts" }, free.map((node) => button(t("Rent {node} for 3 days", { node }), "/chain-control/rent", { node, days: 3 })), button(t("Nodes look now"), "/dbc-control/advance", { seconds: LOOP_SECONDS }, t("The nodes have looked at their orders."))),
      h("section", {}, h("h3", {}, t("An order ended long ago")), h("p", { class: "hint" }, t("Nobody here knew of it. Add a session for its node within ten minutes: the bot then tells of the end, and warns of the deletion.")), h("div", { class: "chain-acts" }, nodes.flatMap((node) => DELETIONS.map(([label, given]) => button(t(label, { node }), "/chain-control/ended", { node, ...given }))))),
      h("section", {}, h("h3", {}, t("The chain")), h("div", { class: "chain-acts", role: "group", "aria-label": t("The chain") }, ill)),
    );
  };
  const found = await ask(STATE);
  if (found.error) said.textContent = found.error;
  else draw(found);
  const close = h("button", { type: "button", class: "icon-button", "aria-label": t("Close"), onclick: () => dialog.close() }, icon("close"));
  const title = h("h2", { id: "chain-title" }, t("Orders on the chain"));
  const dialog = h("dialog", { class: "dialog modal chain-panel", "aria-labelledby": "chain-title" }, h("header", {}, title, close), body, said);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
