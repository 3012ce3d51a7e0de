"""What Slack's error words mean: about the bot itself, about this message or place, or passing.

Words from the error lists of Slack's Web API reference. One that is in none of them is taken for
passing: only what is known to be about this very message or place may give it up.
"""

from collections.abc import Mapping
from typing import Any

from bot.ports import RATE_LIMITED, DeliveryFailed, LockedOut, Unfamiliar
from bot.reply import any_of, say

BOT_TOKEN = "the bot token"  # noqa: S105 - what it is called
APP_TOKEN = "the app-level token"  # noqa: S105
MESSAGES_TAB = "the Messages Tab"
SOCKET_MODE = "Socket Mode"
_SCOPE = "the scope "
_OR = " or "
# To classic apps Slack named a scope with whom it acts for: chat:write:bot is chat:write.
_ACTS_FOR = (":bot", ":user")
OPENS_SOCKET = "apps.connections.open"

# The token, the app or the workspace is refused: every other call meets the same.
_OF_THE_TOKEN = frozenset(
    {
        "account_inactive",
        "access_revoked",
        "accesslimited",
        "app_access_restricted",
        "app_not_installed",
        "enterprise_is_restricted",
        "forbidden_team",
        "invalid_auth",
        "invalid_token",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "org_user_not_in_team",
        "team_access_not_granted",
        "team_disabled",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)

# Of these Slack says that some of what was asked may have been done.
UNCERTAIN = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})

# Nothing was done, and later it will be.
PASSING = frozenset(
    {
        "ekm_access_denied",
        "external_channel_migrating",
        "message_limit_exceeded",
        "team_added_to_org",
    }
)

# This message, its place or its reader: the same would be refused for ever.
FINAL = frozenset(
    {
        "already_reacted",
        "as_user_not_supported",
        "attachment_payload_limit_exceeded",
        "bad_timestamp",
        "cannot_dm_bot",
        "cannot_reply_to_message",
        "cant_delete_message",
        "cant_update_message",
        "channel_is_archived",
        "channel_not_allowed",
        "channel_not_found",
        "channel_type_not_supported",
        "comment_required",
        "duplicate_external_id",
        "edit_window_closed",
        "exchanged_trigger_id",
        "expired_trigger_id",
        "expired_url",
        "file_not_found",
        "file_update_failed",
        "hash_conflict",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_channel",
        "invalid_cursor",
        "invalid_form_data",
        "invalid_json",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "invalid_payload",
        "invalid_post_type",
        "invalid_thread_ts",
        "invalid_trigger_id",
        "invalid_ts_latest",
        "invalid_ts_oldest",
        "invalid_user_id",
        "invalid_users",
        "is_archived",
        "json_not_object",
        "markdown_text_conflict",
        "message_not_found",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "method_not_supported_for_channel_type",
        "missing_post_type",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_channel",
        "no_service",
        "no_such_subteam",
        "no_text",
        "not_found",
        "not_in_channel",
        "posting_to_channel_denied",
        "posting_to_general_channel_denied",
        "push_limit_reached",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "slack_connect_blocked_file_type",
        "slack_connect_canvas_sharing_blocked",
        "slack_connect_file_link_sharing_blocked",
        "slack_connect_file_upload_sharing_blocked",
        "slack_connect_lists_sharing_blocked",
        "subteam_not_found",
        "thread_locked",
        "thread_not_found",
        "too_many_attachments",
        "too_many_contact_cards",
        "trigger_exchanged",
        "trigger_expired",
        "used_url",
        "user_disabled",
        "user_is_bot",
        "user_is_restricted",
        "user_not_found",
        "user_not_in_channel",
        "user_not_visible",
        "users_list_not_supplied",
        "users_not_found",
        "view_too_large",
    }
)

# Those of them that an admin, or an invitation, may take back.
OF_THE_PLACE = frozenset(
    {
        "channel_is_archived",
        "channel_not_allowed",
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "posting_to_channel_denied",
        "posting_to_general_channel_denied",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "thread_locked",
        "user_disabled",
        "user_not_in_channel",
    }
)

# Without these nobody is answered. What needs another scope waits for it, and all else goes on.
_ESSENTIAL_SCOPES = frozenset({"chat:write", "users:read"})

_MEND_BOT = say(
    "Set SLACK_BOT_TOKEN to the Bot User OAuth Token that the app shows under OAuth & Permissions "
    "(install the app first where it is not installed), then restart the bot."
)
_MEND_APP = say(
    "Set SLACK_APP_TOKEN to an app-level token with the scope connections:write, from the app's "
    "Basic Information, then restart the bot."
)


_KNOWN = (
    _OF_THE_TOKEN | UNCERTAIN | PASSING | FINAL | OF_THE_PLACE
    | {"messages_tab_disabled", "missing_scope", "socket_mode_not_enabled", RATE_LIMITED}
)  # fmt: skip


def word_of(failed: DeliveryFailed) -> str:
    """A known word for what went wrong, Slack's own or one of three: metrics are labelled by it."""
    if failed.reason in _KNOWN:
        return failed.reason
    if failed.reason.startswith("http_"):
        return "http_status"
    return "unfamiliar" if isinstance(failed, Unfamiliar) else "unanswered"


def lockout(reason: str, said: Mapping[str, Any], method: str) -> LockedOut | None:
    """The refusal of the bot itself that `reason` stands for; None where it is none.

    `said` is Slack's answer, `method` the Web API method that was called.
    """
    opens_socket = method == OPENS_SOCKET
    if reason == "missing_scope":
        return _of_scope(said.get("needed"), method)
    if reason == "messages_tab_disabled":
        sentence = say(
            "Slack takes no direct messages of the bot ({reason}). Switch on the Messages Tab "
            "under App Home in the app's settings.",
            reason=reason,
        )
        return LockedOut(reason, MESSAGES_TAB, sentence, is_fatal=False)
    if reason == "socket_mode_not_enabled":
        sentence = say(
            "Socket Mode is switched off for the app ({reason}). Switch it on under Socket Mode in "
            "the app's settings; or take SLACK_APP_TOKEN out and restart the bot, which is then "
            "reached over HTTP.",
            reason=reason,
        )
        return LockedOut(reason, SOCKET_MODE, sentence, is_fatal=False)
    if reason not in _OF_THE_TOKEN:
        return None
    if opens_socket:
        told = say(
            "Slack refuses the app-level token ({reason}). {mend}", reason=reason, mend=_MEND_APP
        )
        return LockedOut(reason, APP_TOKEN, told)
    told = say("Slack refuses the bot token ({reason}). {mend}", reason=reason, mend=_MEND_BOT)
    return LockedOut(reason, BOT_TOKEN, told)


def is_granted(lacks: str, scopes: str, method: str, conversation: str) -> bool:
    """Whether an answered call of `method` proves that `lacks` is not at fault any more.

    `scopes` are those of the bot token, as Slack names them beside each answer; `conversation` is
    the one that the answer names.
    """
    if lacks in {BOT_TOKEN, _unnamed(method)}:
        return True
    if lacks == MESSAGES_TAB:
        return conversation.startswith("D")
    wanted = lacks.removeprefix(_SCOPE).split(_OR) if lacks.startswith(_SCOPE) else []
    return not granted(scopes).isdisjoint(wanted)


def granted(scopes: str) -> frozenset[str]:
    """The scopes in a list of Slack's, by their present names."""
    return frozenset(_present(scope.strip()) for scope in scopes.split(",")) - {""}


def _present(scope: str) -> str:
    for suffix in _ACTS_FOR:
        scope = scope.removesuffix(suffix)
    return scope


def _unnamed(method: str) -> str:
    return f"a scope for {method}"


def _of_scope(needed: object, method: str) -> LockedOut:
    reason = "missing_scope"
    if method == OPENS_SOCKET:
        told = say(
            "The app-level token lacks the scope {scope} ({reason}). {mend}",
            scope="connections:write", reason=reason, mend=_MEND_APP,
        )  # fmt: skip
        return LockedOut(reason, APP_TOKEN, told)
    scopes = granted(needed) if isinstance(needed, str) else frozenset()
    named = _OR.join(sorted(scopes))
    lacks = f"{_SCOPE}{named}" if named else _unnamed(method)
    missing = (
        say("the scope {scopes}", scopes=any_of(sorted(scopes)))
        if named
        else say("a scope for {method}", method=method)
    )
    told = say(
        "The bot token lacks {scope} ({reason}). Add it under OAuth & Permissions and reinstall "
        "the app; set SLACK_BOT_TOKEN to the token shown then, and restart the bot.",
        scope=missing, reason=reason,
    )  # fmt: skip
    return LockedOut(reason, lacks, told, is_fatal=bool(scopes & _ESSENTIAL_SCOPES))
