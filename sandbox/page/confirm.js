// The question a Slack element may ask before it acts.

import { h } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";
import { t } from "./words.js";

/** Asks a confirmation object's question; resolves to whether the person went on. */
export function confirmed(question, store) {
  return new Promise((resolve) => {
    let answer = false;
    const done = (yes) => {
      answer = yes;
      dialog.close();
    };
    const dialog = h(
      "dialog",
      { class: "dialog confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h("h2", { id: "confirm-title" }, plain(question.title ?? t("Are you sure?"))),
      h("div", { id: "confirm-text", class: "text" }, textObject(question.text, store)),
      h(
        "div",
        { class: "dialog-actions" },
        h("button", { type: "button", class: "button", "data-answer": "no", autofocus: question.style === "danger", onclick: () => done(false) }, plain(question.deny ?? t("Cancel"))),
        h(
          "button",
          { type: "button", class: `button ${question.style === "danger" ? "danger" : "primary"}`, "data-answer": "yes", autofocus: question.style !== "danger", onclick: () => done(true) },
          plain(question.confirm ?? t("Yes")),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
