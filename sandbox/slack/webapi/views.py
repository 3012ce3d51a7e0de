"""views.*: modals and home tabs, put up by the bot."""

import json

from sandbox.slack.blocks import HOME, MODAL, VIEW_BYTES, check_view, with_ids
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, SlackError, malformed
from sandbox.slack.views import View
from sandbox.slack.webapi.call import Call, Method

MOST_IN_STACK = 3


def read_view(core: Core, view: object, kind: str) -> Json:
    """The body of a view, checked; `view_too_large`, `invalid_arguments`."""
    if not isinstance(view, dict):
        raise malformed("invalid_arguments", ["missing required field: view"])
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
    if problems := check_view(view, kind):
        raise malformed("invalid_arguments", problems)
    return view | {"blocks": with_ids(view["blocks"], lambda: core.state.new_id("b"))}


def _unused_external_id(core: Core, body: Json, own: View | None = None) -> None:
    external_id = body.get("external_id")
    found = core.state.find_view(external_id) if external_id else None
    if found is not None and found[1] is not own:
        raise SlackError("duplicate_external_id")


def put_up(core: Core, user: str, body: Json, under: View | None = None) -> View:
    """A new view before a member, on top of another one or as the first of its stack."""
    _unused_external_id(core, body)
    view_id = core.state.new_id("V")
    root = under.root_id if under else view_id
    view = View(view_id, core.state.new_hash(), body, root, under.id if under else None)
    stack = core.state.stacks.setdefault(user, [])
    if under is None:
        stack.clear()
    stack.append(view)
    core.state.announce()
    return view


def _body_argument(call: Call, kind: str) -> Json:
    value = call.structure("view", "invalid_arguments")
    return read_view(call.core, value, kind)


def open_view(call: Call) -> Json:
    """views.open."""
    core = call.core
    trigger_id = call.text("trigger_id") or call.need("trigger_id")
    trigger = core.state.trigger(trigger_id)
    body = _body_argument(call, MODAL)
    view = put_up(core, trigger.user, body)
    trigger.used = True
    return {"ok": True, "view": core.view_payload(view)}


def push(call: Call) -> Json:
    """views.push: on top of the modal in which the trigger arose."""
    core = call.core
    trigger = core.state.trigger(call.need("trigger_id"))
    stack = core.state.stacks.get(trigger.user, [])
    if trigger.view is None or not any(view.id == trigger.view for view in stack):
        raise SlackError("not_found")
    if len(stack) >= MOST_IN_STACK:
        raise SlackError("push_limit_reached")
    body = _body_argument(call, MODAL)
    view = put_up(core, trigger.user, body, under=stack[-1])
    trigger.used = True
    return {"ok": True, "view": core.view_payload(view)}


def update(call: Call) -> Json:
    """views.update, by view_id or external_id; with a hash only if nothing has changed since."""
    core = call.core
    name = call.text("view_id") or call.text("external_id")
    if not name:
        raise malformed("invalid_arguments", ["missing required field: view_id"])
    found = core.state.find_view(name)
    if found is None:
        raise SlackError("not_found")
    view = found[1]
    body = _body_argument(call, str(view.body["type"]))
    _check_hash(call, view)
    replace(core, view, body)
    return {"ok": True, "view": core.view_payload(view)}


def replace(core: Core, view: View, body: Json) -> None:
    """Show something else in a view's place."""
    _unused_external_id(core, body, own=view)
    view.replace(body, core.state.new_hash())
    core.state.announce()


def _check_hash(call: Call, view: View) -> None:
    known = call.text("hash")
    if known and known != view.hash:
        raise SlackError("hash_conflict")


def publish(call: Call) -> Json:
    """views.publish: a member's Home tab."""
    core = call.core
    if not core.config.home_tab:
        raise SlackError("not_enabled")
    user = call.need("user_id")
    if user not in core.state.members:
        raise SlackError("user_not_found")
    body = _body_argument(call, HOME)
    home = core.state.homes.get(user)
    if home is None:
        view_id = core.state.new_id("V")
        _unused_external_id(core, body)
        home = core.state.homes[user] = View(view_id, core.state.new_hash(), body, view_id)
        core.state.announce()
    else:
        _check_hash(call, home)
        replace(core, home, body)
    return {"ok": True, "view": core.view_payload(home)}


METHODS = {
    "views.open": Method(open_view),
    "views.push": Method(push),
    "views.update": Method(update),
    "views.publish": Method(publish),
}
