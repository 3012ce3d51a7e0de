"""What people do with what the app has put up: press, choose, submit, close, search.

Payloads have the shape of Slack's; what the app answers is applied, or its failure shown.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.slack.blocks import MODAL, check_options
from sandbox.slack.conversations import Channel, Message
from sandbox.slack.core import Core
from sandbox.slack.delivery import Ack
from sandbox.slack.errors import CannotDo, Json, SlackError
from sandbox.slack.members import Member
from sandbox.slack.people_acts import allowed, channel_of
from sandbox.slack.reading import all_blocks
from sandbox.slack.views import View, answer_key, complaints, elements_of, initial_values
from sandbox.slack.webapi.views import MOST_IN_STACK, put_up, read_view, replace

TROUBLE = "We had some trouble connecting. Try again?"
TIMED_OUT = "Operation timed out. Apps need to respond within 3 seconds."
FAILED = "Something went wrong: the app did not accept this."


@dataclass(frozen=True)
class Surface:
    """Where an element stands: in a message of a channel, or in a view."""

    channel: Channel | None = None
    message: Message | None = None
    view: View | None = None

    @property
    def blocks(self) -> list[Json]:
        """Its blocks."""
        if self.view is not None:
            return self.view.blocks
        assert self.message is not None  # noqa: S101 - one of the two is always there
        return all_blocks(self.message)


def in_message(core: Core, member: Member, channel: Channel, ts: str) -> Surface:
    """A message the member can see."""
    message = channel.messages.get(ts)
    if message is None or message.only_for not in (None, member.id):
        raise CannotDo("There is no such message.")
    if member.id not in channel.members:
        raise CannotDo("{name} is not in #{channel}.", name=member.name, channel=channel.name)
    return Surface(channel=core.state.channels[channel.id], message=message)


def in_view(core: Core, member: Member, view_id: str) -> Surface:
    """A view open before the member."""
    found = core.state.find_view(view_id)
    if found is None or found[0] != member.id:
        raise CannotDo("That view is no longer open.")
    return Surface(view=found[1])


def surface_of(core: Core, member: Member, act: Json) -> Surface:
    """The surface that an act of the page names: `view_id`, or `channel` and `ts`."""
    if view_id := act.get("view_id"):
        return in_view(core, member, view_id)
    return in_message(core, member, channel_of(core, member, act["channel"]), act["ts"])


def find_element(surface: Surface, block_id: str, action_id: str) -> tuple[Json, Json]:
    """The block and the element of these ids."""
    for block, element in elements_of(surface.blocks):
        if (block["block_id"], element["action_id"]) == (block_id, action_id):
            return block, element
    raise CannotDo("There is nothing like that to press.")


def state_values(core: Core, member: Member, surface: Surface) -> Json:
    """What is filled in there by this member, to be changed in place."""
    if surface.view is not None:
        return surface.view.values
    assert surface.message is not None  # noqa: S101 - see Surface
    key = (member.id, surface.message.ts)
    values = initial_values(surface.blocks, core.state.values.get(key, {}))
    core.state.values[key] = values
    return values


def hold(core: Core, member: Member, surface: Surface, values: Json) -> None:
    """Take over what the member has filled in so far: `{block_id: {action_id: answer}}`."""
    held = state_values(core, member, surface)
    for block_id, answers in values.items():
        for action_id, answer in answers.items():
            element = find_element(surface, block_id, action_id)[1]
            held[block_id][action_id] = {"type": element["type"]} | answer


async def press(
    core: Core,
    member: Member,
    surface: Surface,
    block_id: str,
    action_id: str,
    answer: Json | None = None,
) -> Ack | None:
    """Press a button or answer an element; None where Slack tells the app only at submit."""
    allowed(member)
    block, element = find_element(surface, block_id, action_id)
    if (key := answer_key(element)) is not None:
        values = state_values(core, member, surface)
        held: Json = {"type": element["type"], key: (answer or {}).get(key)}
        values[block_id][action_id] = held
        core.state.announce()
    if block["type"] == "input" and not block.get("dispatch_action", False):
        return None
    payload = _action_payload(core, member, surface, _action(core, block, element, answer or {}))
    ack = await core.dispatcher.dispatch("interactive", payload)
    if not ack.ok:
        words = TIMED_OUT if ack.status == "http_timeout" else FAILED
        where = surface.channel.id if surface.channel else None
        core.state.notify(member.id, where, words)
    return ack


def _action(core: Core, block: Json, element: Json, answer: Json) -> Json:
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": core.state.new_ts(),
    }
    if element["type"] == "button":
        return action | {k: element[k] for k in ("text", "value", "style", "url") if k in element}
    if element["type"] == "overflow":
        return action | {"selected_option": answer.get("selected_option")}
    key = answer_key(element) or "value"
    return action | {key: answer.get(key)}


def _common(core: Core, member: Member, kind: str) -> Json:
    return {
        "type": kind,
        "team": core.team(),
        "user": {
            "id": member.id,
            "username": member.name,
            "name": member.name,
            "team_id": member.team_id,
        },
        "api_app_id": core.state.app_id,
        "token": core.verification_token,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _place(core: Core, surface: Surface) -> Json:
    if surface.view is not None:
        return {
            "container": {"type": "view", "view_id": surface.view.id},
            "view": core.view_payload(surface.view),
        }
    message, channel = surface.message, surface.channel
    assert message is not None  # noqa: S101 - see Surface
    assert channel is not None  # noqa: S101 - see Surface
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.only_for is not None,
    }
    if message.in_thread:
        container["thread_ts"] = message.thread_ts
    place: Json = {"container": container, "channel": core.channel_ref(channel)}
    # Slack does not keep ephemeral messages, so it cannot send them along.
    if message.only_for is None:
        place["message"] = core.message_payload(message)
    return place


def _action_payload(core: Core, member: Member, surface: Surface, action: Json) -> Json:
    view = surface.view
    payload = _common(core, member, "block_actions") | _place(core, surface)
    payload |= {
        "trigger_id": core.state.new_trigger(member.id, view.id if view else None),
        "actions": [action],
    }
    if surface.message is not None and surface.channel is not None:
        token = core.state.new_response_url(member.id, surface.channel.id, surface.message.ts)
        payload["response_url"] = f"{core.base_url}response/{token}"
        payload["state"] = {"values": state_values(core, member, surface)}
    return payload


async def shortcut(core: Core, member: Member, surface: Surface, callback_id: str) -> Ack:
    """Use a message shortcut."""
    allowed(member)
    if callback_id not in core.config.shortcuts:
        raise CannotDo("The app has no shortcut {id}.", id=callback_id)
    message, channel = surface.message, surface.channel
    if message is None or channel is None or message.only_for is not None:
        raise CannotDo("Shortcuts are for messages.")
    token = core.state.new_response_url(member.id, channel.id, message.ts)
    payload = _common(core, member, "message_action")
    payload |= {
        "callback_id": callback_id,
        "action_ts": core.state.new_ts(),
        "trigger_id": core.state.new_trigger(member.id),
        "response_url": f"{core.base_url}response/{token}",
        "message_ts": message.ts,
        "channel": core.channel_ref(channel),
        "message": core.message_payload(message),
    }
    ack = await core.dispatcher.dispatch("interactive", payload)
    if not ack.ok:
        core.state.notify(member.id, channel.id, TIMED_OUT)
    return ack


async def global_shortcut(core: Core, member: Member, callback_id: str) -> Ack:
    """Use a shortcut that is about no message: the app learns nothing of where one is."""
    allowed(member)
    if callback_id not in core.config.global_shortcuts:
        raise CannotDo("The app has no shortcut {id}.", id=callback_id)
    payload = _common(core, member, "shortcut")
    payload |= {
        "callback_id": callback_id,
        "action_ts": core.state.new_ts(),
        "trigger_id": core.state.new_trigger(member.id),
    }
    ack = await core.dispatcher.dispatch("interactive", payload)
    if not ack.ok:
        core.state.notify(member.id, None, TIMED_OUT)
    return ack


def _top(core: Core, member: Member, view_id: str) -> View:
    stack = core.state.stacks.get(member.id, [])
    if not stack or stack[-1].id != view_id:
        raise CannotDo("That view is not the one on top.")
    return stack[-1]


async def submit(
    core: Core, member: Member, view_id: str, values: Json, *, is_lost: bool = False
) -> Ack | None:
    """Press Submit; None if Slack's client finds an input wanting and sends nothing.

    `is_lost`: the app's answer does not arrive, so that the form stays as it is.
    """
    allowed(member)
    view = _top(core, member, view_id)
    if view.busy:
        raise CannotDo("That view is being submitted.")
    if "submit" not in view.body:
        raise CannotDo("That view has nothing to submit.")
    hold(core, member, Surface(view=view), values)
    view.errors, view.trouble = complaints(view), ""
    core.state.announce()
    if view.errors:
        return None
    view.busy = True
    core.state.announce()
    try:
        ack = await core.dispatcher.dispatch("interactive", _submission(core, member, view))
    finally:
        view.busy = False
    try:
        if is_lost:
            _trouble(core, view)
        else:
            _after_submit(core, member, view, ack)
    except SlackError:
        _trouble(core, view)
    core.state.announce()
    return ack


def _submission(core: Core, member: Member, view: View) -> Json:
    payload = _common(core, member, "view_submission")
    return payload | {
        "trigger_id": core.state.new_trigger(member.id, view.id),
        "view": core.view_payload(view),
        "response_urls": [],
    }


def _trouble(core: Core, view: View) -> None:
    view.trouble = TROUBLE
    core.state.announce()


def _after_submit(core: Core, member: Member, view: View, ack: Ack) -> None:
    """Do what the app answered to a submission; SlackError where that is nothing Slack takes."""
    stack = core.state.stacks.get(member.id, [])
    body = ack.body
    if not ack.ok or not isinstance(body, dict | None):
        raise SlackError("bad_response")
    if not body:
        _remove(stack, view)
        return
    action = body.get("response_action")
    if action == "clear":
        stack.clear()
    elif action == "errors":
        view.errors = _errors(view, body.get("errors"))
    elif action == "update":
        replace(core, view, read_view(core, body.get("view"), MODAL))
    elif action == "push":
        if len(stack) >= MOST_IN_STACK:
            raise SlackError("push_limit_reached")
        put_up(core, member.id, read_view(core, body.get("view"), MODAL), under=view)
    else:
        raise SlackError("bad_response")


def _remove(stack: list[View], view: View) -> None:
    if view in stack:
        stack.remove(view)


def _errors(view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        raise SlackError("bad_response")
    return {block_id: str(words) for block_id, words in errors.items()}


async def close(core: Core, member: Member, view_id: str) -> None:
    """Press Cancel: the view goes, and all below it if it clears on close."""
    view = _top(core, member, view_id)
    stack = core.state.stacks[member.id]
    cleared = bool(view.body.get("clear_on_close", False))
    if cleared:
        stack.clear()
    else:
        stack.pop()
    core.state.announce()
    if view.body.get("notify_on_close", False):
        payload = _common(core, member, "view_closed")
        payload |= {"view": core.view_payload(view), "is_cleared": cleared}
        await core.dispatcher.dispatch("interactive", payload)


async def suggest(
    core: Core, member: Member, surface: Surface, block_id: str, action_id: str, query: str
) -> Json:
    """Type into an external select: the app's `options` or `option_groups`."""
    allowed(member)
    element = find_element(surface, block_id, action_id)[1]
    if "external_select" not in element["type"]:
        raise CannotDo("That menu does not search.")
    if len(query) < element.get("min_query_length", 3):
        return {"options": []}
    payload = _common(core, member, "block_suggestion") | _place(core, surface)
    if surface.view is not None:
        # What other inputs hold now is not in it (bolt-js#1146, java-slack-sdk#1292).
        payload["view"] = payload["view"] | {"state": {"values": {}}}
    payload |= {"block_id": block_id, "action_id": action_id, "value": query}
    ack = await core.dispatcher.dispatch("interactive", payload)
    if not ack.ok:
        raise CannotDo("The menu could not be loaded.")
    body = ack.body if isinstance(ack.body, dict) else {}
    if problems := check_options(body):
        raise CannotDo("The menu could not be loaded: {why}", why="; ".join(problems))
    return body
