// The select elements of Block Kit: static, external, users, conversations, channels; one or several.

import { plain } from "./mrkdwn.js";
import { fixedSource, remoteSource, select } from "./select.js";
import { displayName } from "./store.js";
import { t } from "./words.js";

const KIND = /^(multi_)?(static|external|users|conversations|channels)_select$/;
// Slack's own default for external selects.
const MIN_QUERY = 3;
const PLACEHOLDERS = { users: "Select a user", conversations: "Select a conversation", channels: "Select a channel" };
const FIELDS = { users: "user", conversations: "conversation", channels: "channel" };

const asOption = (value, text) => ({ value, text: { type: "plain_text", text } });

function memberOptions(store) {
  return (store.screen?.members ?? store.people).map((member) => asOption(member.id, displayName(member)));
}

function channelOptions(store, kinds) {
  return (store.screen?.channels ?? [])
    .filter((channel) => kinds.includes(channel.kind))
    .map((channel) => asOption(channel.id, channel.kind === "im" ? channel.name : `# ${channel.name}`));
}

function conversationKinds(spec) {
  const names = { public: "channel", private: "private", im: "im" };
  const wanted = (spec.filter?.include ?? []).map((name) => names[name]).filter(Boolean);
  return wanted.length ? wanted : Object.values(names);
}

function groupsOf(spec, kind, store) {
  if (kind === "users") return [{ options: memberOptions(store) }];
  if (kind === "channels") return [{ options: channelOptions(store, ["channel"]) }];
  if (kind === "conversations") return [{ options: channelOptions(store, conversationKinds(spec)) }];
  return spec.option_groups ?? [{ options: spec.options ?? [] }];
}

/** How the chosen options are written as Slack's state, and read back; ids for people and places. */
function codec(kind, multi) {
  const field = FIELDS[kind];
  if (!field) {
    return multi
      ? { encode: (options) => ({ selected_options: options }), decode: (state) => state.selected_options ?? [] }
      : { encode: (options) => ({ selected_option: options[0] ?? null }), decode: (state) => [state.selected_option].filter(Boolean) };
  }
  const name = multi ? `selected_${field}s` : `selected_${field}`;
  return {
    encode: (options) => ({ [name]: multi ? options.map((option) => option.value) : (options[0]?.value ?? null) }),
    decode: (state, known) => [state[name]].flat().filter(Boolean).map((id) => known.find((option) => option.value === id) ?? asOption(id, id)),
  };
}

function initialState(spec, kind, multi) {
  const field = FIELDS[kind] ?? "option";
  const name = multi ? `selected_${field}s` : `selected_${field}`;
  return { [name]: spec[multi ? `initial_${field}s` : `initial_${field}`] ?? (multi ? [] : null) };
}

/** The node for a select element, or null for other elements. */
export function selectElement(spec, context) {
  const match = KIND.exec(spec?.type ?? "");
  if (!match) return null;
  const multi = Boolean(match[1]);
  const kind = match[2];
  const { encode, decode } = codec(kind, multi);
  const groups = groupsOf(spec, kind, context.store);
  const known = groups.flatMap((group) => group.options);
  const remote = kind === "external";
  const placeholder = plain(spec.placeholder) || t(PLACEHOLDERS[kind] ?? "") || (multi ? t("Select options") : t("Select an option"));
  const node = select({
    placeholder,
    label: context.label || placeholder,
    multi,
    initial: decode(context.held(spec, initialState(spec, kind, multi)), known),
    max: spec.max_selected_items ?? Infinity,
    minQuery: remote ? (spec.min_query_length ?? MIN_QUERY) : 0,
    remote,
    focusId: context.focusId(spec),
    onchange: (options) => context.change(spec, encode(options)),
    source: remote ? remoteSource((query) => context.host.suggest(context.blockId, spec.action_id, query)) : fixedSource(groups),
  });
  node.dataset.action = spec.action_id;
  if (context.errorId) node.querySelector(".select-trigger").setAttribute("aria-describedby", context.errorId);
  return node;
}
