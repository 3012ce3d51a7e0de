"""The Web API: who may, where, with what; Slack's own error strings."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from tests.sandbox.slack.conftest import modal, refused, section, text_input

GPU_OPS, RANDOM, SECRET = "C0GPUOPS", "C0RANDOM", "G0OPSSECRET"


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("xoxb-wrong", "invalid_auth"), ("app", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(ws: Workspace, token: str | None, error: str) -> None:
    client = AsyncWebClient(token=ws.app_token if token == "app" else token, base_url=ws.api_url)
    assert (await refused(client.auth_test()))["error"] == error


async def test_a_revoked_token_belongs_to_an_inactive_account(
    ws: Workspace, web: AsyncWebClient
) -> None:
    ws.revoke(error="account_inactive")
    assert (await refused(web.auth_test()))["error"] == "account_inactive"


async def test_the_bot_token_opens_no_socket(ws: Workspace, web: AsyncWebClient) -> None:
    answer = await refused(web.apps_connections_open(app_token=ws.bot_token))
    assert answer["error"] == "not_allowed_token_type"


async def test_the_bot_knows_itself(ws: Workspace, web: AsyncWebClient) -> None:
    me = await web.auth_test()
    assert (me["user_id"], me["bot_id"]) == (ws.bot.id, ws.bot.bot_id)
    assert (await web.bots_info(bot=me["bot_id"]))["bot"]["user_id"] == ws.bot.id
    assert (await web.team_info())["team"]["id"] == me["team_id"]


async def test_an_unknown_method_is_named(web: AsyncWebClient) -> None:
    assert (await refused(web.api_call("chat.shout")))["error"] == "unknown_method"


async def test_a_method_needs_its_scope() -> None:
    async with Workspace(scopes={"users:read"}) as ws:
        web = AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)
        answer = await refused(web.chat_postMessage(channel=GPU_OPS, text="x"))
    assert answer["error"] == "missing_scope"
    assert (answer["needed"], answer["provided"]) == ("chat:write", "users:read")


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": RANDOM, "text": "x"}, "not_in_channel"),
        ({"channel": SECRET, "text": "x"}, "channel_not_found"),
        ({"channel": "C0OLD", "text": "x"}, "is_archived"),
        ({"channel": GPU_OPS}, "no_text"),
        ({"channel": GPU_OPS, "text": ""}, "no_text"),
        ({"channel": GPU_OPS, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": GPU_OPS, "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
        ({"channel": GPU_OPS, "text": "x", "reply_broadcast": True}, "invalid_arguments"),
        ({"channel": GPU_OPS, "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata"),
        ({"channel": "U0DBC", "text": "x"}, "cannot_dm_bot"),
    ],
)
async def test_a_message_is_refused(
    ws: Workspace, web: AsyncWebClient, args: dict[str, Any], error: str
) -> None:
    ws.add_channel("old", "alice", "dbc").is_archived = True
    answer = await refused(web.api_call("chat.postMessage", json=args))
    assert answer["error"].startswith(error)
    assert ws.calls[-1].error == answer["error"]


async def test_chat_write_public_reaches_public_channels() -> None:
    async with Workspace(scopes={"chat:write", "chat:write.public"}) as ws:
        web = AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)
        await web.chat_postMessage(channel=RANDOM, text="hello")
        assert ws.member("alice").last("random").text == "hello"


async def test_a_member_id_is_their_direct_message(ws: Workspace, web: AsyncWebClient) -> None:
    alice = ws.member("alice")
    opened = await web.conversations_open(users=alice.id)
    posted = await web.chat_postMessage(channel=alice.id, text="psst")
    assert posted["channel"] == opened["channel"]["id"]
    assert alice.last("@dbc").text == "psst"


async def test_metadata_comes_back_only_on_request(web: AsyncWebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {"key": "approval:42"}}
    await web.chat_postMessage(channel=GPU_OPS, text="x", metadata=metadata)
    bare = await web.conversations_history(channel=GPU_OPS)
    full = await web.conversations_history(channel=GPU_OPS, include_all_metadata=True)
    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_an_update_keeps_what_it_does_not_mention(ws: Workspace, web: AsyncWebClient) -> None:
    posted = await web.chat_postMessage(channel=GPU_OPS, text="x", blocks=[section("card")])
    await web.chat_update(channel=GPU_OPS, ts=posted["ts"], text="y")
    seen = ws.member("alice").last("gpu-ops")
    assert (seen.text, seen.plain, seen.edited) == ("y", "card", True)
    await web.chat_update(channel=GPU_OPS, ts=posted["ts"], text="y", blocks=[])
    assert seen.plain == "y"


async def test_only_own_messages_are_changed(ws: Workspace, web: AsyncWebClient) -> None:
    alice = ws.member("alice")
    await alice.types("mine")
    ts = alice.last("gpu-ops").ts
    answer = await refused(web.chat_update(channel=GPU_OPS, ts=ts, text="x"))
    assert answer["error"] == "cant_update_message"
    answer = await refused(web.chat_delete(channel=GPU_OPS, ts=ts))
    assert answer["error"] == "cant_delete_message"
    answer = await refused(web.chat_update(channel=GPU_OPS, ts="1.0", text="x"))
    assert answer["error"] == "message_not_found"


async def test_an_ephemeral_message_has_one_reader_and_stays_as_it_is(
    ws: Workspace, web: AsyncWebClient
) -> None:
    alice, bob = ws.member("alice"), ws.member("bob")
    posted = await web.chat_postEphemeral(channel=GPU_OPS, user=alice.id, text="for you")
    ts = posted["message_ts"]
    assert alice.last("gpu-ops").ephemeral
    assert bob.messages("gpu-ops") == []
    answer = await refused(web.chat_update(channel=GPU_OPS, ts=ts, text="x"))
    assert answer["error"] == "message_not_found"
    assert (await web.conversations_history(channel=GPU_OPS))["messages"] == []


async def test_an_ephemeral_message_needs_a_reader_in_the_channel(
    ws: Workspace, web: AsyncWebClient
) -> None:
    dave = ws.add_member("dave")
    answer = await refused(web.chat_postEphemeral(channel=GPU_OPS, user=dave.id, text="x"))
    assert answer["error"] == "user_not_in_channel"
    answer = await refused(web.chat_postEphemeral(channel=GPU_OPS, user="U0NOBODY", text="x"))
    assert answer["error"] == "user_not_found"
    answer = await refused(
        web.chat_postEphemeral(channel=RANDOM, user=ws.member("bob").id, text="x")
    )
    assert answer["error"] == "not_in_channel"


async def test_a_thread_has_its_parent_first_and_a_broadcast_shows_twice(
    ws: Workspace, web: AsyncWebClient
) -> None:
    parent = await web.chat_postMessage(channel=GPU_OPS, text="parent")
    for text, broadcast in (("one", False), ("two", True)):
        await web.chat_postMessage(
            channel=GPU_OPS, text=text, thread_ts=parent["ts"], reply_broadcast=broadcast
        )
    replies = await web.conversations_replies(channel=GPU_OPS, ts=parent["ts"])
    assert [m["text"] for m in replies["messages"]] == ["parent", "one", "two"]
    assert replies["messages"][0]["reply_count"] == 2
    history = await web.conversations_history(channel=GPU_OPS)
    assert [m["text"] for m in history["messages"]] == ["two", "parent"]
    assert history["messages"][0]["subtype"] == "thread_broadcast"
    assert history["messages"][0]["root"]["text"] == "parent"
    of_a_reply = await web.conversations_replies(
        channel=GPU_OPS, ts=replies["messages"][1]["ts"], include_all_metadata=True
    )
    assert [m["text"] for m in of_a_reply["messages"]] == ["one"]


async def test_an_edit_leaves_a_broadcast_in_the_channel_and_can_make_one(
    web: AsyncWebClient,
) -> None:
    parent = await web.chat_postMessage(channel=GPU_OPS, text="parent")
    sent = [
        await web.chat_postMessage(
            channel=GPU_OPS, text="x", thread_ts=parent["ts"], reply_broadcast=broadcast
        )
        for broadcast in (True, False)
    ]
    await web.chat_update(channel=GPU_OPS, ts=sent[0]["ts"], text="edited")
    await web.chat_update(channel=GPU_OPS, ts=sent[1]["ts"], text="sent on", reply_broadcast=True)
    history = await web.conversations_history(channel=GPU_OPS)
    assert [m["text"] for m in history["messages"]] == ["sent on", "edited", "parent"]
    answer = await refused(
        web.chat_update(channel=GPU_OPS, ts=parent["ts"], text="x", reply_broadcast=True)
    )
    assert answer["error"] == "cant_broadcast_message"


async def test_history_comes_in_pages(web: AsyncWebClient) -> None:
    for number in range(5):
        await web.chat_postMessage(channel=GPU_OPS, text=str(number))
    pages = [
        [message["text"] for message in page["messages"]]
        async for page in await web.conversations_history(channel=GPU_OPS, limit=2)
    ]
    assert pages == [["4", "3"], ["2", "1"], ["0"]]


async def test_a_deleted_parent_leaves_a_tombstone(web: AsyncWebClient) -> None:
    parent = await web.chat_postMessage(channel=GPU_OPS, text="parent")
    await web.chat_postMessage(channel=GPU_OPS, text="reply", thread_ts=parent["ts"])
    await web.chat_delete(channel=GPU_OPS, ts=parent["ts"])
    history = await web.conversations_history(channel=GPU_OPS)
    assert history["messages"][0]["subtype"] == "tombstone"


async def test_members_are_described_as_slack_does(ws: Workspace, web: AsyncWebClient) -> None:
    guest = ws.add_member("guest", is_ultra_restricted=True, locale="zh-CN")
    gone = ws.add_member("gone", deleted=True)
    stranger = ws.add_member("stranger", team_id="T0OTHER", is_stranger=True)
    user = (await web.users_info(user=guest.id, include_locale=True))["user"]
    assert user["is_restricted"]
    assert user["is_ultra_restricted"]
    assert user["locale"] == "zh-CN"
    assert "locale" not in (await web.users_info(user=guest.id))["user"]
    assert (await web.users_info(user=gone.id))["user"]["deleted"]
    foreign = (await web.users_info(user=stranger.id))["user"]
    assert (foreign["team_id"], foreign["is_stranger"]) == ("T0OTHER", True)
    assert (await refused(web.users_info(user="U0NOBODY")))["error"] == "user_not_found"


async def test_channels_are_seen_by_their_members(web: AsyncWebClient) -> None:
    mine = await web.users_conversations(types="public_channel,private_channel")
    assert [c["id"] for c in mine["channels"]] == [GPU_OPS]
    assert (await web.conversations_info(channel=RANDOM))["channel"]["is_member"] is False
    assert (await refused(web.conversations_info(channel=SECRET)))["error"] == "channel_not_found"
    members = await web.conversations_members(channel=GPU_OPS)
    assert "U0ALICE" in members["members"]
    assert (await refused(web.conversations_history(channel=RANDOM)))["error"] == "not_in_channel"
    await web.conversations_join(channel=RANDOM)
    assert (await web.conversations_info(channel=RANDOM))["channel"]["is_member"] is True


async def test_a_user_group_lists_its_members(ws: Workspace, web: AsyncWebClient) -> None:
    group = ws.add_usergroup("oncall", "carol")
    assert (await web.usergroups_list())["usergroups"][0]["handle"] == "oncall"
    assert (await web.usergroups_users_list(usergroup=group.id))["users"] == ["U0CAROL"]
    answer = await refused(web.usergroups_users_list(usergroup="S0NONE"))
    assert answer["error"] == "no_such_subteam"


async def test_a_file_is_uploaded_in_three_steps(ws: Workspace, web: AsyncWebClient) -> None:
    await web.files_upload_v2(
        channel=GPU_OPS, filename="log.txt", content="line\n" * 3, initial_comment="the log"
    )
    seen = ws.member("alice").last("gpu-ops")
    assert seen.text == "the log"
    assert seen.files[0].content == b"line\n" * 3
    url = seen.files[0].body(ws.url, "")["url_private"]
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert await answer.read() == b"line\n" * 3


async def test_a_file_that_was_not_uploaded_is_not_found(web: AsyncWebClient) -> None:
    file = await web.files_getUploadURLExternal(filename="a.txt", length=3)
    answer = await refused(
        web.files_completeUploadExternal(files=[{"id": file["file_id"]}], channel_id=GPU_OPS)
    )
    assert answer["error"] == "file_not_found"


async def test_a_reaction_is_added_once(web: AsyncWebClient) -> None:
    posted = await web.chat_postMessage(channel=GPU_OPS, text="x")
    await web.reactions_add(channel=GPU_OPS, timestamp=posted["ts"], name="eyes")
    answer = await refused(web.reactions_add(channel=GPU_OPS, timestamp=posted["ts"], name="eyes"))
    assert answer["error"] == "already_reacted"


async def test_a_rate_limit_says_when_to_come_back(ws: Workspace, web: AsyncWebClient) -> None:
    ws.faults.ratelimit("chat.postMessage", times=1, retry_after=7)
    await web.auth_test()
    answer = await refused(web.chat_postMessage(channel=GPU_OPS, text="x"))
    assert (answer.status_code, answer["error"]) == (429, "ratelimited")
    assert answer.headers["Retry-After"] == "7"
    await web.chat_postMessage(channel=GPU_OPS, text="x")


async def test_the_client_can_wait_out_a_rate_limit(ws: Workspace, web: AsyncWebClient) -> None:
    web.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    ws.faults.ratelimit("auth.test", retry_after=0)
    await web.auth_test()
    assert [call.ok for call in ws.calls_of("auth.test")] == [False, True]


async def test_a_server_error_is_no_json(ws: Workspace, web: AsyncWebClient) -> None:
    ws.faults.add("http_500", "auth.test")
    with pytest.raises(SlackApiError) as caught:
        await web.auth_test()
    assert caught.value.response.status_code == 500


async def test_an_answer_can_be_lost_after_the_effect(ws: Workspace, web: AsyncWebClient) -> None:
    web.retry_handlers.clear()
    ws.faults.add("reset", "chat.postMessage", after_effect=True)
    with pytest.raises(aiohttp.ClientError):
        await web.chat_postMessage(channel=GPU_OPS, text="landed")
    assert ws.member("alice").last("gpu-ops").text == "landed"


async def test_a_trigger_is_exchanged_once_within_three_seconds(
    ws: Workspace, web: AsyncWebClient
) -> None:
    alice = ws.member("alice")
    view = modal(text_input())
    used = ws.core.state.new_trigger(alice.id)
    await web.views_open(trigger_id=used, view=view)
    answer = await refused(web.views_open(trigger_id=used, view=view))
    assert answer["error"] == "exchanged_trigger_id"
    answer = await refused(web.views_open(trigger_id="12345.98765.abcd", view=view))
    assert answer["error"] == "invalid_trigger_id"
    late = ws.core.state.new_trigger(alice.id)
    ws.wind(timedelta(seconds=3.1))
    answer = await refused(web.views_open(trigger_id=late, view=view))
    assert answer["error"] == "expired_trigger_id"


async def test_a_view_is_updated_only_if_its_hash_is_current(
    ws: Workspace, web: AsyncWebClient
) -> None:
    trigger_id = ws.core.state.new_trigger(ws.member("alice").id)
    opened = await web.views_open(trigger_id=trigger_id, view=modal(text_input()))
    view_id, old = opened["view"]["id"], opened["view"]["hash"]
    await web.views_update(view_id=view_id, hash=old, view=modal(section("next")))
    answer = await refused(web.views_update(view_id=view_id, hash=old, view=modal(section())))
    assert answer["error"] == "hash_conflict"
    answer = await refused(web.views_update(view_id="V0NONE", view=modal(section())))
    assert answer["error"] == "not_found"


async def test_a_home_tab_is_published_for_one_member(ws: Workspace, web: AsyncWebClient) -> None:
    alice = ws.member("alice")
    home = {"type": "home", "blocks": [section("your machines")]}
    await web.views_publish(user_id=alice.id, view=home)
    assert alice.home is not None
    assert alice.home.plain == "your machines"
    assert ws.member("bob").home is None
    answer = await refused(web.views_publish(user_id=alice.id, view=modal(section())))
    assert answer["error"] == "invalid_arguments"


async def test_an_escaped_name_pings_nobody(ws: Workspace, web: AsyncWebClient) -> None:
    alice = ws.member("alice")
    await web.chat_postMessage(channel=GPU_OPS, text="t", blocks=[section("&lt;!channel&gt; up")])
    assert alice.last("gpu-ops").plain == "<!channel> up"
    assert alice.last("gpu-ops").pings == []
    await web.chat_postMessage(channel=GPU_OPS, text=f"<!here> <@{alice.id}>")
    assert alice.last("gpu-ops").pings == ["here", alice.id]


async def test_an_answer_can_fail_to_come(ws: Workspace) -> None:
    impatient = AsyncWebClient(token=ws.bot_token, base_url=ws.api_url, timeout=1)
    impatient.retry_handlers.clear()
    ws.faults.add("hang", "auth.test")
    with pytest.raises(TimeoutError):
        await impatient.auth_test()


@pytest.mark.parametrize("late", [0, 0.5])
async def test_a_slow_answer_is_a_whole_answer(
    ws: Workspace, web: AsyncWebClient, late: float
) -> None:
    ws.faults.add("slow", "chat.postMessage", late=late)
    posting = asyncio.create_task(web.chat_postMessage(channel=GPU_OPS, text="slowly"))
    while late and not ws.core.late:  # noqa: ASYNC110 - told to nobody
        await asyncio.sleep(0.01)
    ws.wind(timedelta(seconds=late))
    answer = await posting
    assert "chat:write" in answer.headers["x-oauth-scopes"]
    assert ws.member("alice").last("gpu-ops").text == "slowly"


async def test_a_call_that_is_refused_is_refused_also_where_answers_are_slow(
    ws: Workspace,
) -> None:
    stranger = AsyncWebClient(token="xoxb-of-somebody", base_url=ws.api_url)
    ws.faults.add("slow", "chat.postMessage", late=5)
    answer = await refused(stranger.chat_postMessage(channel=GPU_OPS, text="x"))
    assert (answer.status_code, answer["error"]) == (200, "invalid_auth")
    assert [call.error for call in ws.calls_of("chat.postMessage")] == ["invalid_auth"]
