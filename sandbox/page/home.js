// The app's Home tab.

import { renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { t } from "./words.js";

/** Shows what the app has published for this member; `hostOf(view_id)` keeps what its elements hold. */
export class Home {
  #hostOf;

  constructor(hostOf) {
    this.#hostOf = hostOf;
    this.blocks = h("div", { class: "home-blocks" });
    this.empty = h("p", { class: "home-empty", role: "status" }, t("The app has not published its Home tab for you yet."));
    this.node = h("div", { class: "home scroller", tabindex: "0", role: "region", "aria-label": t("Home") }, this.blocks, this.empty);
  }

  render(home) {
    this.empty.hidden = Boolean(home);
    this.blocks.hidden = !home;
    if (home) renderBlocks(this.blocks, home.blocks, this.#hostOf(home.view_id));
  }
}
