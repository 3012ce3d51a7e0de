// What a set of blocks belongs to - a message, a modal or the Home tab - and what its elements hold.
// The only place that turns a touched element into something told to the server.

import { toast } from "./toast.js";

/** The address of a set of blocks at the server, together with its values in Slack's shape. */
export class Host {
  /** `address` is `{channel, ts}` or `{view_id}`. */
  constructor(store, address) {
    this.store = store;
    this.address = address;
    this.values = {};
    this.ontouch = () => {};
    this.told = Promise.resolve();
  }

  /** What an element holds, or undefined if it was not there before. */
  held(blockId, actionId) {
    return this.values[blockId]?.[actionId];
  }

  hold(blockId, actionId, state) {
    this.values[blockId] = { ...this.values[blockId], [actionId]: state };
  }

  /** The person changed an element. */
  touch(blockId, actionId, state) {
    this.hold(blockId, actionId, state);
    this.ontouch(blockId);
  }

  /** Forgets the elements that are not among `present`, `[block_id, action_id]` pairs. */
  prune(present) {
    const kept = {};
    for (const [blockId, actionId] of present) {
      const state = this.held(blockId, actionId);
      if (state) kept[blockId] = { ...kept[blockId], [actionId]: state };
    }
    this.values = kept;
  }

  /** Tells the server what an input holds now; the app is not told. One after the other, in their order. */
  keep(blockId, actionId, state) {
    this.told = this.told.then(() => this.#send(blockId, actionId, state));
  }

  /** Tells the server, and through it the app, that an element was used; what was filled in before goes first. */
  async press(blockId, actionId, state) {
    await this.told;
    await this.#send(blockId, actionId, state);
  }

  async #send(blockId, actionId, state) {
    const answer = await this.store.act("press", { ...this.address, block_id: blockId, action_id: actionId, ...(state ? { state } : {}) });
    if (!answer.ok) toast(answer.error);
  }

  /** The choices of an external select for what was typed. */
  suggest(blockId, actionId, query) {
    return this.store.act("suggest", { ...this.address, block_id: blockId, action_id: actionId, query });
  }
}
