// The page's own words in the language of whoever looks. What the app says comes in its language.

import { chinese } from "./words-zh.js";

const english = {};
let words = english;

/** Speaks another language of Slack from now on; whether it is another one than before. */
export function turnTo(locale = "en-US") {
  const other = locale.startsWith("zh") ? chinese : english;
  const is = other !== words;
  words = other;
  document.documentElement.lang = locale;
  return is;
}

/** The words for an English text, with the `{name}`s in it filled in. */
export function t(text, fields = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
}

/** What the server says, a template and what fills it in, in the words of the page. */
export function said({ template, given }) {
  return t(template, given);
}
