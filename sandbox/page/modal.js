// Modals: a stack of views, the topmost in sight. Collects what the inputs hold and shows what is wrong with it.

import { renderBlocks } from "./blocks.js";
import { giveBack, h, held, icon, uid } from "./dom.js";
import { Host } from "./host.js";
import { complaint } from "./inputs.js";
import { plain } from "./mrkdwn.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

class Modal {
  #store;
  #view = null;
  #sending = false;
  #seenErrors = "{}";

  constructor(store, view) {
    this.#store = store;
    this.host = new Host(store, { view_id: view.id });
    // A page that was reloaded goes on where it was.
    this.host.values = structuredClone(view.values ?? {});
    this.host.ontouch = (blockId) => this.#complain(this.body.querySelector(`.block-input[data-block="${CSS.escape(blockId)}"]`), "");
    const titleId = uid("modal");
    this.title = h("h2", { id: titleId });
    this.body = h("div", { class: "modal-body" });
    this.trouble = h("p", { class: "modal-trouble", role: "alert", hidden: true });
    this.cancel = h("button", { type: "button", class: "button", onclick: () => this.close() });
    this.submit = h("button", { type: "submit", class: "button primary" });
    this.form = h(
      "form",
      { novalidate: true, onsubmit: (event) => this.#submit(event) },
      h("header", {}, this.title, h("button", { type: "button", class: "icon-button", "aria-label": t("Close"), onclick: () => this.close() }, icon("close"))),
      this.body,
      this.trouble,
      h("footer", { class: "dialog-actions" }, this.cancel, this.submit),
    );
    this.node = h("dialog", { class: "dialog modal", "aria-labelledby": titleId, onkeydown: (event) => this.#escape(event), oncancel: (event) => event.preventDefault() }, this.form);
    // A browser may close a dialog in spite of the above; the server alone decides.
    this.node.addEventListener("close", () => this.node.isConnected && this.node.showModal());
  }

  render(view) {
    this.#view = view;
    this.title.textContent = plain(view.title);
    const isHeld = this.node.contains(document.activeElement);
    renderBlocks(this.body, view.blocks, this.host);
    this.cancel.textContent = plain(view.close) || (view.submit ? t("Cancel") : t("Close"));
    this.submit.hidden = !view.submit && !view.blocks.some((block) => block.type === "input");
    this.trouble.textContent = view.trouble ? t(view.trouble) : "";
    this.trouble.hidden = !view.trouble;
    this.#busy();
    const errors = JSON.stringify(view.errors ?? {});
    if (errors !== this.#seenErrors) this.#show(view.errors ?? {});
    this.#seenErrors = errors;
    // Who is nowhere in a dialog cannot leave it by a key.
    if (isHeld && !this.node.contains(document.activeElement)) this.#enter();
  }

  open() {
    this.node.showModal();
    this.#enter();
  }

  #enter() {
    const first = this.body.querySelector("[autofocus]") ?? this.body.querySelector(".text-input, .select-trigger, input") ?? this.body.querySelector("button, a") ?? (this.submit.hidden ? this.cancel : this.submit);
    first.focus();
  }

  async close() {
    const answer = await this.#store.act("close", { view_id: this.#view.id });
    if (!answer.ok) toast(answer.error);
  }

  #busy() {
    const busy = this.#sending || this.#view.busy === true;
    this.form.setAttribute("aria-busy", String(busy));
    this.submit.setAttribute("aria-disabled", String(busy));
    this.submit.replaceChildren(h("span", {}, plain(this.#view.submit) || t("Submit")));
  }

  #escape(event) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    this.close();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.form.getAttribute("aria-busy") === "true") return;
    const errors = this.#complaints();
    if (Object.keys(errors).length) return void this.#show(errors);
    this.#show({});
    this.#sending = true;
    this.#busy();
    await this.host.told;
    const answer = await this.#store.act("submit", { view_id: this.#view.id, values: this.host.values });
    this.#sending = false;
    if (!this.node.isConnected) return;
    this.#busy();
    if (!answer.ok) return void toast(answer.error);
    // The same errors as last time are news all the same.
    this.#show(answer.errors ?? this.#view.errors ?? {});
  }

  #complaints() {
    const inputs = this.#view.blocks.map((block, index) => ({ ...block, block_id: block.block_id ?? `block-${index}` })).filter((block) => block.type === "input");
    const found = inputs.map((block) => [block.block_id, complaint(block, this.host.held(block.block_id, block.element.action_id ?? "element-0"))]);
    return Object.fromEntries(found.filter(([, text]) => text));
  }

  #show(errors) {
    const blocks = [...this.body.querySelectorAll(".block-input")];
    for (const block of blocks) this.#complain(block, errors[block.dataset.block] ?? "");
    const unplaced = Object.entries(errors).filter(([id]) => !blocks.some((block) => block.dataset.block === id));
    for (const [, text] of unplaced) toast(text);
    const first = this.body.querySelector(".block-input.wrong");
    first?.querySelector(".text-input, .select-trigger, input")?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "nearest" });
  }

  #complain(block, text) {
    if (!block) return;
    block.classList.toggle("wrong", text !== "");
    const note = block.querySelector(".input-error");
    note.textContent = text;
    note.hidden = text === "";
    for (const control of block.querySelectorAll(".text-input, .select-trigger")) control.setAttribute("aria-invalid", String(text !== ""));
  }
}

/** The open modals of a member. */
export class Modals {
  #store;
  #open = new Map();
  #opener = null;

  constructor(store, parent) {
    this.#store = store;
    this.parent = parent;
  }

  render(views) {
    if (views.length && this.#open.size === 0) this.#opener = held();
    const ids = new Set(views.map((view) => view.id));
    for (const [id, modal] of this.#open) {
      if (ids.has(id)) continue;
      this.#open.delete(id);
      modal.node.remove();
    }
    for (const view of views) {
      const known = this.#open.get(view.id);
      const modal = known ?? new Modal(this.#store, view);
      modal.render(view);
      if (known) continue;
      this.#open.set(view.id, modal);
      this.parent.append(modal.node);
      modal.open();
    }
    views.forEach((view, index) => this.#open.get(view.id).node.classList.toggle("beneath", index < views.length - 1));
    if (views.length === 0 && this.#opener) {
      giveBack(this.#opener);
      this.#opener = null;
    }
  }
}
