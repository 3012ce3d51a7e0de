// The page's one line to the server: the screen as last heard, and what the person does.
// Knows the contract of /page/*, draws nothing.

import { hasChain } from "./chain.js";
import { said, t } from "./words.js";

const FIRST_RETRY_MS = 300;
const LAST_RETRY_MS = 4000;

/** Emits "screen" when there is a new one, "connection" when the line comes or goes. */
export class Store extends EventTarget {
  people = [];
  bot = { id: "", name: "app" };
  tips = [];
  shortcuts = [];
  hasChain = false;
  as = "";
  screen = null;
  connected = false;
  #socket = null;
  #retry = FIRST_RETRY_MS;
  #timer = 0;

  /** Asks who there is; throws when the server cannot be reached. */
  async load() {
    const response = await fetch("/page/people");
    if (!response.ok) throw new Error(`The server answered ${response.status}`);
    const { people, bot, tips = [], shortcuts = [] } = await response.json();
    Object.assign(this, { people, bot, tips, shortcuts, hasChain: await hasChain() });
  }

  /** The person whose id or name stands in the address, else the first. */
  personNamed(wanted) {
    const name = wanted?.toLowerCase();
    return this.people.find((person) => person.id === wanted || person.name.toLowerCase() === name) ?? this.people[0];
  }

  /** Acts as somebody from now on. */
  become(id) {
    if (this.as === id) return;
    this.as = id;
    this.screen = null;
    this.#retry = FIRST_RETRY_MS;
    this.#open();
  }

  /** Tries again now instead of at the next interval. */
  hurry() {
    if (this.as && this.#socket === null) this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#socket?.close();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/page/socket?as=${encodeURIComponent(this.as)}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#retry = FIRST_RETRY_MS;
      this.screen = JSON.parse(data);
      this.#connection(true);
      this.dispatchEvent(new Event("screen"));
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#connection(false);
      this.#timer = setTimeout(() => this.#open(), this.#retry);
      this.#retry = Math.min(this.#retry * 2, LAST_RETRY_MS);
    };
  }

  #connection(connected) {
    if (this.connected === connected) return;
    this.connected = connected;
    this.dispatchEvent(new Event("connection"));
  }

  /** Does something in the person's name. Never throws: `{ok:false, error}` says what went wrong. */
  async act(kind, fields = {}) {
    try {
      const response = await fetch("/page/act", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ as: this.as, kind, ...fields }),
      });
      const answer = await response.json();
      return answer.ok ? answer : { ...answer, ok: false, error: (answer.words ? said(answer.words) : answer.error) || t("The server answered {status}.", { status: response.status }) };
    } catch {
      return { ok: false, error: t("The sandbox server did not answer. Is it still running?") };
    }
  }

  /** Whoever has this id, with at least a name to show. */
  member(id) {
    const found = this.screen?.members.find((member) => member.id === id) ?? this.people.find((person) => person.id === id);
    if (found) return found;
    return id === this.bot.id ? { ...this.bot, real_name: this.bot.name, is_bot: true } : { id, name: id, real_name: id };
  }

  channel(id) {
    return this.screen?.channels.find((channel) => channel.id === id);
  }

  /** The direct messages with the app. */
  appChannel() {
    const names = [this.bot.name, this.bot.id, this.member(this.bot.id).real_name];
    return this.screen?.channels.find((channel) => channel.kind === "im" && names.includes(channel.name));
  }
}

/** What a member is called on the screen. */
export function displayName(member) {
  return member.real_name || member.name;
}
