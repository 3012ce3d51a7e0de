"""Lines of tired people: what is offered is filled with what there is, or with nothing."""

import pytest

from tests.scenarios.stage import CHANNEL, Stage

RUN = "Ada's training run"
_CHANGES = ("Delete", "Restart", "Start", "Shut", "Power", "Switch", "Reset", "Remove", "Stop")


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice has machines that the bot knows; nothing here depends on how it is reached."""
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.passes()
    return stage


async def test_a_form_is_filled_with_the_machine_that_was_named(stage: Stage) -> None:
    lines = (
        "can u reboot ada", "pls restart adas training run",
        "so um yeah could you reboot Ada’s run thx",
        "REBOOT ada's pls 🔥", "重启一下ada吧", "帮我 reboot 一下 Ada's training run 谢谢",
    )  # fmt: skip
    for line in lines:
        offer = await stage.asks(stage.alice, f"/dbc {line}")
        await stage.alice.presses("Restart a machine", offer)
        form = await stage.alice.sees_modal("Restart a machine")
        assert form.value("Machine") in {RUN, stage.task(RUN).task_id}, line
        await stage.alice.closes()
    assert stage.changes() == []


async def test_a_line_without_quotes_is_offered_as_it_can_be_typed(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc force restart Ada's training run it hangs")
    await stage.alice.presses("Restart a machine", told)
    form = await stage.alice.sees_modal("Restart a machine")
    assert form.value("Machine") in {RUN, stage.task(RUN).task_id}
    assert (form.value("Force"), form.value("Reason")) == (["true"], "it hangs")
    line = told.plain.split("Did you mean `")[1].split("`?")[0]
    assert line == '/dbc vm restart "Ada\'s training run" force reason="it hangs"'


async def test_who_says_not_to_is_offered_nothing_that_changes_anything(stage: Stage) -> None:
    lines = (
        "do not delete inference", "dont restart ada", "don’t shut down inference",
        "never delete ada",
        "delete nothing", "restart nothing", "restart ada dont", "vm delete ada no thanks",
        "no need to reboot ada anymore",
        "不要重启 ada", "别删 inference", "先别关机 ada", "不用 restart inference 了",
        "別刪 inference", "請不要關機 ada",
        "vm delete not inference",
    )  # fmt: skip
    for line in lines:
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "Nothing was done: your line says not to." in told.plain, line
        assert len(told.buttons) == 1, line
        assert not told.buttons[0].startswith(_CHANGES), line
    await stage.alice.presses("Show a machine", told)
    await stage.quiet()
    assert stage.task("inference").task_id in stage.alice.last(CHANNEL).plain


async def test_a_question_is_answered_with_what_shows_it(stage: Stage) -> None:
    lines = {
        "which machine is down?": "List machines",
        "is gpu1 up?": "Show a node",
        "status": "List machines",
        "why is training down": "Show a machine",
        "when does 1287 end": "Show a rental",
        "whats wrong with training": "Show a machine",
        "what happened at 3": "Search the audit",
        "do you know if inference is up": "Show a machine",
        "what would happen if i delete inference?": "Show a machine",
        "should i restart ada": "Show a machine",
        "哪台机器挂了": "List machines",
        "谁删了 inference": "Search the audit",
        "gpu1 还好吗": "Show a node",
    }
    for line, first in lines.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons[0] == first, (line, told.buttons)
        assert not any(one.startswith(_CHANGES) for one in told.buttons), line


async def test_a_question_about_one_thing_is_answered_about_that(stage: Stage) -> None:
    for line, shown in (("is gpu1 up?", "gpu1"), ("whats wrong with training", RUN)):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        await stage.alice.presses(told.buttons[0], told)
        await stage.quiet()
        assert shown in stage.alice.last(CHANNEL).plain
    told = await stage.asks(stage.alice, "/dbc who renamed inference")
    await stage.asks(stage.alice, "/dbc vm name inference prod")
    await stage.asks(stage.alice, "/dbc vm name Ada's other")
    await stage.alice.presses("Search the audit", told)
    await stage.quiet()
    found = stage.alice.last(CHANNEL).plain
    assert "prod" in found
    assert "other" not in found


async def test_of_two_machines_none_is_offered_to_be_changed(stage: Stage) -> None:
    for line in ("delete all machines but ada", "保留 inference 其他的删掉"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == ["List machines", "List nodes"], line
    for line in (
        "keep inference, please delete ada", "delete ada but keep inference please",
        "delete ada because inference needs the gpus", "ada 删掉 inference 留下",
        "restart ada, leave inference alone", "restart ada instead of inference",
        "start ada, not inference",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "Type what you want with one of them." in told.plain, line
        assert set(told.buttons) == {RUN, "inference"}, line
    await stage.alice.presses("inference", told)
    await stage.quiet()
    assert "*inference* " in stage.alice.last(CHANNEL).plain.splitlines()[0]
    told = await stage.asks(stage.alice, "/dbc restart everything except ada")
    await stage.alice.presses("Change it…", told)
    assert not (await stage.alice.sees_modal("Restart a machine")).value("Machine")


async def test_who_says_not_to_of_one_of_two_is_told_both(stage: Stage) -> None:
    for line in (
        "don't delete ada, delete inference", "不要删 ada，删 inference", "关 ada 别关 inference",
        "关机 inference，ada 不要关", "重启 ada，不是 inference",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "It also says what not to do." in told.plain, line
        assert set(told.buttons) == {RUN, "inference"}, line


async def test_of_several_machines_for_one_command_each_opens_its_form(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc restart inference and ada please")
    assert "takes one machine at a time" in told.plain
    assert told.buttons == ["inference", RUN]
    await stage.alice.presses(RUN, told)
    form = await stage.alice.sees_modal("Restart a machine")
    assert form.value("Machine") in {RUN, stage.task(RUN).task_id}
    assert stage.changes() == []


async def test_what_is_not_understood_whole_leads_to_all_of_its_machine(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc delete ada, keep the rest")
    assert told.plain.startswith(
        f"I did not understand all of this. What do you want with *{RUN}*?"
    )
    assert told.buttons == ["Show a machine", "More …"]
    await stage.alice.presses("More …", told)
    await stage.quiet()
    more = stage.alice.last(CHANNEL)
    assert RUN in more.plain
    assert {"Restart", "Delete", "Shut down"} <= set(more.buttons)
    told = await stage.asks(stage.alice, "/dbc let carol use gpu1 until friday")
    assert told.buttons[0] == "Show a node"
    told = await stage.asks(stage.alice, "/dbc add bob as approver to the approvals")
    assert told.buttons == ["List pending approvals"]
    assert stage.changes() == []


async def test_turning_something_on_is_no_turning_it_off(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc turn inference back on")
    assert told.buttons == ["Start a machine"]
    told = await stage.asks(stage.alice, "/dbc stop deleting inference")
    assert not any(one.startswith(("Shut", "Power", "Delete")) for one in told.buttons)
    told = await stage.asks(stage.alice, "/dbc can you turn inference off for the night")
    assert "Start a machine" not in told.buttons


async def test_what_names_nothing_opens_the_form_without_it(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc logs of that box please")
    await stage.alice.presses("Change it…", told)
    form = await stage.alice.sees_modal("Show a machine's log")
    assert not form.value("Machine")
    told = await stage.asks(stage.alice, "/dbc vm logs inference --tial 20")
    await stage.alice.presses("Change it…", told)
    form = await stage.alice.sees_modal("Show a machine's log")
    assert form.value("Machine") == stage.task("inference").task_id
    await stage.asks(stage.alice, "/dbc vm name inference line1")
    trace = 'Traceback (most recent call last): File "train.py", line 3, in main CUDA out of memory'
    told = await stage.asks(stage.alice, f"/dbc {trace}")
    for button in told.buttons:
        await stage.alice.presses(button, told)
        await stage.quiet()
        assert "line1 on gpu1" not in stage.alice.last(CHANNEL).plain.replace("*", "")
    told = await stage.asks(stage.alice, "/dbc good night")
    assert told.buttons == ["List machines", "List nodes"]


async def test_what_is_wished_counts_and_not_what_was_told_before(stage: Stage) -> None:
    for line, button in {
        "so uh yeah the inference box hung again can you restart it": "Restart a machine",
        "we are done with inference delete it": "Show a machine",
        "ada 连不上了 重启一下": "Restart a machine",
        "inference wont boot": "Show a machine",
        "ada 打不开": "Show a machine",
        "power cycle ada now!!!": "Restart a machine",
        "is it safe to restart inference?": "Show a machine",
        "did my restart work?": "List machines",
        "restart下inference": "Restart a machine",
        "呃就是那个把 inference 给我开一下": "Start a machine",
        "let @carol use gpu1 for a day": "Share a session",
        "how many gpus are free": "List nodes",
        "我要一台机器": "Create a machine",
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons[0] == button, (line, told.buttons)


async def test_a_line_that_tells_what_happened_offers_what_it_wishes_and_nothing_contrary(
    stage: Stage,
) -> None:
    for line, button in {
        "inference 停了，启动一下": "Start a machine",
        "inference is down, please bring it up": "Start a machine",
        "turn inference off and on again": "Restart a machine",
        "inference 关了再开": "Restart a machine",
        "先关 inference 再开": "Restart a machine",
        "inference 死机了，帮我重启": "Restart a machine",
        "inference 挂了 重启": "Restart a machine",
        "inference 没反应 重启": "Restart a machine",
        "delete the old snapshot of inference": "Delete a snapshot",
        "change the memory of inference": "Change a machine",
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == [button], line
    for line in (
        "inference 不小心关了，帮我开机", "someone shut inference down, please bring it up",
        "just deleted inference", "inference 差点被删了", "it is time to delete inference",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert not any(one.startswith(_CHANGES) for one in told.buttons), line
    told = await stage.asks(stage.alice, "/dbc stop inference from being deleted")
    assert not any(one.startswith(("Shut", "Power", "Delete")) for one in told.buttons)


async def test_a_reason_with_a_not_in_it_forbids_nothing(stage: Stage) -> None:
    for line, button in {
        "inference 不行了重启一下": "Restart a machine",
        "inference cannot be reached, restart please": "Restart a machine",
        "restart inference cuda not found": "Change it…",
        "vm restart inference 不能登录": "Change it…",
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons[0] == button, line
        await stage.alice.presses(button, told)
        form = await stage.alice.sees_modal(button if "machine" in button else "Restart a machine")
        assert form.value("Machine") in {"inference", stage.task("inference").task_id}, line
        await stage.alice.closes()


async def test_a_machine_is_called_what_it_is_whatever_its_name_says(stage: Stage) -> None:
    for name in ("不夜城", "哪吒", "别动"):
        await stage.asks(stage.alice, f"/dbc vm name inference {name}")
        told = await stage.asks(stage.alice, f"/dbc 帮我重启{name}")
        assert told.buttons == ["Restart a machine"], name
    told = await stage.asks(stage.alice, "/dbc vm name inference nothing")
    assert "“nothing” is a word of the commands." in told.plain


async def test_to_take_access_is_not_to_give_it(stage: Stage) -> None:
    for line in (
        "revoke access of @bob to gpu1", "remove @bob from gpu1", "stop sharing gpu1 with @bob",
        "@bob no longer needs access to gpu1", "stop @bob from using gpu1, no access",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == ["Stop sharing a session"], line
    told = await stage.asks(stage.alice, "/dbc let @bob know that gpu1 is down")
    assert told.buttons == ["Show a node"]


async def test_a_row_of_rentals_or_of_what_is_followed_names_it(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc order show ⏰ 1290 · gpu1 · 8 GPUs · ends today")
    assert "The chain is not read yet" in told.plain
    told = await stage.asks(stage.alice, "/dbc ⏰ 1287 · gpu1 · 8 GPUs · ends today 10:20")
    assert told.buttons[0] == "Show a rental"
    row = f"LWKhuj7x Restart a machine: {RUN} on gpu1: running"
    told = await stage.asks(stage.alice, f"/dbc watch stop {row}")
    assert "Nothing followed for you is called “LWKhuj7x”" in told.plain


async def test_a_share_may_say_for_how_long_in_words(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session share gpu2 with @carol for 2 hours")
    told = stage.alice.last(CHANNEL)
    assert "shares their session for *gpu2* with <@U0CAROL> until" in told.plain
    assert "2026-01-05 11:0" in told.plain


async def test_a_mention_in_a_refusal_is_no_id(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc @bob can you approve this")
    assert "I did not understand that as a command." in told.plain
    assert told.buttons[0] == "List pending approvals"
    told = await stage.asks(stage.alice, "/dbc vm show @bob")
    assert "“<@U0BOB>”" in told.plain


async def test_a_report_is_answered_with_what_shows_why_and_what_was_tried(stage: Stage) -> None:
    for line in (
        "restart inference doesnt work", "vm restart inference didn't help", "inference 重启失败了",
        "inference cant ssh restart", "重启 inference 没用",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == ["Show a machine", "Show a machine's log", "More …"], line
    for line in (
        "delete inference doesn't work",
        "inference wont start",
        "inference 昨晚自己关机了",
    ):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == ["Show a machine", "Show a machine's log", "More …"], line
    for line in ("can't ssh to inference, restart it", "inference 一直卡，重启一下"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == ["Restart a machine"], line


async def test_what_is_wished_later_or_on_a_condition_is_told_to_be_done_now(stage: Stage) -> None:
    for line in (
        "vm restart inference at 3pm", "明天早上重启 inference", "备份完了把 inference 删掉",
        "delete inference after taking a snapshot",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "I do nothing later or on a condition" in told.plain, line
        assert told.buttons == ["Show a machine", "More …"], line
    line = "restart inference because of the new driver, not now but after lunch"
    told = await stage.asks(stage.alice, f"/dbc {line}")
    assert told.buttons == ["Change it…"]
    assert stage.changes() == []
    told = await stage.asks(stage.alice, "/dbc vm restart inference when you get a chance")
    assert "Confirm" in told.buttons


async def test_a_verb_alone_is_about_what_its_line_names(stage: Stage) -> None:
    for line, buttons in {
        "start a new machine on gpu2": ["Create a machine"],
        "start a snapshot of ada": ["List snapshots", "Take a snapshot"],
        "restart the watch on inference": ["List operations"],
        "power down ada": ["Shut down a machine", "Power off a machine"],
        "boot inference": ["Start a machine"],
        "restart it": ["Restart a machine", "Switch the power"],
        "cancel shutdown of inference": ["Show a machine", "More …"],
        "list bare metal": ["List bare metal"],
        "share it with @carol": ["Share a session"],
        "restart the ada one": ["Restart a machine"],
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == buttons, line
    assert stage.changes() == []
    told = await stage.asks(stage.alice, "/dbc 重启 gpu2 上的 inference")
    assert "inference is on gpu1, not on gpu2." in told.plain
    told = await stage.asks(stage.alice, "/dbc share gpu1 with carol")
    assert "I don't know what “carol” means" in told.plain
    await stage.asks(stage.alice, "/dbc settings quiet hours from 10pm to 7am")
    assert "Your quiet hours are now 22:00-07:00" in stage.alice.last(CHANNEL).plain


async def test_what_stands_without_its_key_is_filled_in_where_it_can_be_one_thing_only(
    stage: Stage,
) -> None:
    for line, button, values in (
        ("audit list inference last 3 days", "Change it…", {"Since": "3d"}),
        ("audit list failed", "Change it…", {"Outcome": "failed"}),
        ("image delete ubuntu-20.04.qcow2 gpu1", "Delete an image",
         {"Node": stage.node("gpu1").node_id, "Image": "ubuntu-20.04.qcow2"}),
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        await stage.alice.presses(button, told)
        form = await stage.alice.sees_modal()
        assert {name: form.value(name) for name in values} == values, line
        await stage.alice.closes()
    await stage.asks(stage.alice, "/dbc disk add inference on /data2")
    assert (await stage.alice.sees_modal()).value("Host directory") == "/data2"


async def test_what_is_wished_of_a_part_of_a_thing_is_not_offered_of_the_thing(
    stage: Stage,
) -> None:
    for line, buttons in {
        "switch off quiet hours": ["Choose quiet hours"],
        "reset the password of inference": ["Set a password"],
        "重置 inference 的密码": ["Set a password"],
        "turn off the inference box": ["Shut down a machine", "Power off a machine"],
        "remove the data disk from inference": ["Delete a data disk"],
    }.items():
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == buttons, line
    for line in (
        "turn off notifications for inference", "关掉 inference 的 22 端口",
        "kill the python process on inference", "停掉 ada 上的训练", "删掉 inference 的昵称",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons[0] == "Show a machine", line
        assert not any(one.startswith(_CHANGES) for one in told.buttons), line
    assert stage.changes() == []


async def test_of_two_wishes_none_is_offered(stage: Stage) -> None:
    for line in (
        "snapshot inference, then delete it", "给 inference 打个快照然后删掉",
        "delete inference then create a new one",
    ):  # fmt: skip
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert "What do you want with *inference*?" in told.plain, line
        assert told.buttons[-1] == "More …", line
        assert not any(one.startswith((*_CHANGES, "Take")) for one in told.buttons), line
    told = await stage.asks(stage.alice, "/dbc snapshot inference")
    assert told.buttons == ["List snapshots", "Take a snapshot"]


async def test_a_power_cycle_is_a_restart(stage: Stage) -> None:
    for line in ("vm power cycle inference", "power cycle inference", "虚拟机 断电重启 inference"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.buttons == ["Restart a machine", "Reset a machine"], line


async def test_a_refusal_repeats_only_what_looks_like_a_command(stage: Stage) -> None:
    for line in (
        "which machine",
        "delete inference,",
        "reboot, inference",
        "把 inference 重启一下，",
    ):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        assert told.plain.startswith("I did not understand that as a command."), line
    told = await stage.asks(stage.alice, "/dbc vm restrat, inference")
    assert told.plain.startswith("There is no command “vm restrat”.")
    told = await stage.asks(stage.alice, "/dbc qwertz,")
    assert told.plain.startswith("There is no command “qwertz”.")


async def test_a_person_stays_in_what_is_offered_for_a_typo(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    for line in ("session unshaer with @bob", "unshaer gpu1 from @bob"):
        told = await stage.asks(stage.alice, f"/dbc {line}")
        await stage.alice.presses("Stop sharing a session", told)
        form = await stage.alice.sees_modal("Stop sharing a session")
        assert form.value("Person") == stage.bob.id, line
        assert form.value("Node") in {None, stage.node("gpu1").node_id}, line
        await stage.alice.closes()
    told = await stage.asks(stage.alice, "/dbc session shaer gpu1 with @bob")
    await stage.alice.presses("Share a session", told)
    form = await stage.alice.sees_modal("Share a session")
    assert form.value("Person") == stage.bob.id
