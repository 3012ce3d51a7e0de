"""Lines as impatient people type and paste them, in both languages: what is understood of each."""

import sys
from contextlib import suppress
from types import FrameType

import pytest

from bot.commands.rows import command_table
from bot.errors import Refused
from bot.language.parse import HelpWanted, NotUnderstood, Parsed, parse
from bot.language.unclear import Surplus, Unclear
from tests.language.test_parse import delivered

TABLE = command_table()
_X = {"vm": "inference"}
_FORCED = {"vm": "inference", "force": "true"}
_ON = {"vm": "inference", "on": "gpu1"}


@pytest.mark.parametrize(
    ("line", "command", "values"),
    [
        ("VM LIST", "vm.list", {}),
        ("vm list!", "vm.list", {}),
        ("dbc vm list", "vm.list", {}),
        ("/dbc /dbc vm list", "vm.list", {}),
        ("show vm inference", "vm.show", _X),
        ("vm show • inference", "vm.show", _X),
        ("vm show 🟢 inference", "vm.show", _X),
        ("vm show :large_green_circle: inference", "vm.show", _X),
        ("vm show inference on gpu1)", "vm.show", {"vm": "inference", "on": "gpu1)"}),
        ("vm show inference 在 gpu1", "vm.show", _ON),
        ("restart inference", "vm.restart", _X),
        ("restart: inference", "vm.restart", _X),
        ("vm restart, inference", "vm.restart", _X),
        ("vm restart inference force=yes", "vm.restart", _FORCED),
        ("vm restart inference，force", "vm.restart", _FORCED),
        ("vm restart inference、force", "vm.restart", _FORCED),
        ("vm restart inference；force", "vm.restart", _FORCED),
        ("vm restart inference ， force", "vm.restart", _FORCED),
        ("vm restart inference,--force", "vm.restart", _FORCED),
        ("vm restart inference on gpu1，force", "vm.restart", {**_ON, "force": "true"}),
        ("vm restart inference on gpu1、强制", "vm.restart", {**_ON, "force": "true"}),
        ("vm restart inference，on gpu1", "vm.restart", _ON),
        ("vm restart inference force on gpu1 on gpu1.", "vm.restart", {**_ON, "force": "true"}),
        ('vm restart "inference，force"', "vm.restart", {"vm": "inference，force"}),
        ("vm restart machine=inference，force", "vm.restart", _FORCED),
        ("vm delete inference reason=old，force", "vm.delete", {**_X, "reason": "old，force"}),
        ("vm delete inference，train-01", "vm.delete", {"vm": "inference，train-01"}),
        ("delete vm inference", "vm.delete", _X),
        ("vm modify inference mem=8，gpus=1", "vm.modify", {**_X, "mem": "8", "gpu": "1"}),
        ("vm modify inference ports=tcp，8080", "vm.modify", {**_X, "ports": "tcp,8080"}),
        ("vm logs inference -n 50", "vm.logs", {**_X, "lines": "50"}),
        ("vm logs -n 50 inference", "vm.logs", {**_X, "lines": "50"}),
        ("disk ls inference", "disk.list", _X),
        ("disk delete inference • vdb", "disk.delete", {**_X, "disk": "vdb"}),
        ("disk add inference 100 gb", "disk.add", {**_X, "size": "100"}),
        ("disk resize inference vdb by 50", "disk.resize", {**_X, "disk": "vdb", "by": "50"}),
        ("disk resize inference vdb +50GB", "disk.resize", {**_X, "disk": "vdb", "by": "50"}),
        ("image download u.qcow2 to gpu1", "image.download", {"image": "u.qcow2", "node": "gpu1"}),
        (
            "image download u.qcow2 from hub to gpu1",
            "image.download",
            {"image": "u.qcow2", "server": "hub", "node": "gpu1"},
        ),
        (
            "image download u.qcow2 从 hub 到 gpu1",
            "image.download",
            {"image": "u.qcow2", "server": "hub", "node": "gpu1"},
        ),
        (
            "image upload u.qcow2 from gpu1 to hub",
            "image.upload",
            {"image": "u.qcow2", "server": "hub", "node": "gpu1"},
        ),
        ("approval cancel ebUa07ia.", "approval.cancel", {"approval": "ebUa07ia"}),
        ("approval cancel ebUa07ia。", "approval.cancel", {"approval": "ebUa07ia"}),
        ("approval show “ebUa07ia”，", "approval.show", {"approval": "ebUa07ia"}),
        ("approval show (ebUa07ia)", "approval.show", {"approval": "ebUa07ia"}),
        ("approval show `ebUa07ia`…", "approval.show", {"approval": "ebUa07ia"}),
        ("cancel ebUa07ia!", "approval.cancel", {"approval": "ebUa07ia"}),
        (
            "session share gpu1 to <@U012AB3CD>",
            "session.share",
            {"node": "gpu1", "person": "U012AB3CD"},
        ),
        ("use gpu1", "node.use", {"node": "gpu1"}),
        ("vm name inference prod", "vm.name", {**_X, "nickname": "prod"}),
        ("pls restart inference", "vm.restart", _X),
        ("please restart inference force", "vm.restart", _FORCED),
        ("can you restart inference please", "vm.restart", _X),
        ("vm restart inference force, thanks!", "vm.restart", _FORCED),
        ("请重启 inference", "vm.restart", _X),
        ("帮我重启一下 inference", "vm.restart", _X),
        ("请强制重启 inference", "vm.restart", _FORCED),
        ("重启 inference 一下", "vm.restart", _X),
        ("请关机 inference on gpu1", "vm.shutdown", _ON),
        ("请扩容 inference vdb 50G", "disk.resize", {**_X, "disk": "vdb", "size": "50"}),
        ("vm show please", "vm.show", {"vm": "please"}),
        (
            "unshare gpu1 from <@U012AB3CD>",
            "session.unshare",
            {"node": "gpu1", "person": "U012AB3CD"},
        ),
        ("please vm name inference “thanks”", "vm.name", {**_X, "nickname": "thanks"}),
    ],
)
def test_a_line_is_understood(line: str, command: str, values: dict[str, str]) -> None:
    found = parse(TABLE, line if "<" in line else delivered(line))
    assert isinstance(found, Parsed)
    assert (found.command.id, found.values) == (command, values)


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("settings quiet-hours off {}", "settings quiet-hours off"),
        ("settings digest-hour 09:00 {}", "settings digest-hour 09:00"),
        ("vm list {}", "vm list"),
        ("vm name inference prod {}", "vm name inference prod"),
        ("vm restart inference because it hangs {}", 'vm restart inference reason="it hangs"'),
        ("session share gpu1 with <@U012AB3CD> {}", "session share gpu1 with <@U012AB3CD>"),
        ("alias add m vm list {}", "alias add m vm list"),
    ],
)
@pytest.mark.parametrize(
    "behind",
    ["please", "thank you very much!", ", pls", "right now, thanks 🙏", "谢谢", "，麻烦了 谢谢"],
)
def test_courtesies_at_the_end_fall_off_any_command(line: str, bare: str, behind: str) -> None:
    assert parse(TABLE, line.format(behind)) == parse(TABLE, bare)


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("设置 免打扰 off谢谢", "settings quiet-hours off"),
        ("settings digest-hour 09:00，谢谢", "settings digest-hour 09:00"),
        ("虚拟机 命名 inference prod吧", "vm name inference prod"),
    ],
)
def test_courtesies_written_together_with_the_last_word_fall_off(line: str, bare: str) -> None:
    assert parse(TABLE, line) == parse(TABLE, bare)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("vm show ok", {"vm": "ok"}),
        ("vm name inference thanks", {**_X, "nickname": "thanks"}),
        ('vm restart inference reason="not now"', {**_X, "reason": "not now"}),
    ],
)
def test_a_courtesy_that_says_what_is_needed_stays(line: str, values: dict[str, str]) -> None:
    found = parse(TABLE, line)
    assert isinstance(found, Parsed)
    assert found.values == values


@pytest.mark.parametrize("line", ["vm delete inference no thanks", "vm restart inference not now"])
def test_a_no_before_a_courtesy_is_not_passed_over(line: str) -> None:
    with pytest.raises(Surplus):
        parse(TABLE, line)


@pytest.mark.parametrize(
    ("line", "first", "values"),
    [
        ("inference", "vm show", _X),
        ("inference status", "vm show", _X),
        ("inference restart", "vm restart", _X),
        ("inference 重启", "vm restart", _X),
        ("list all vms", "vm list", {}),
        ("show me all machines", "vm list", {}),
        ("show inference", "vm show", _X),
        ("reboot inference on gpu1 now", "vm restart", _ON),
        ("vm.restart inference", "vm restart", _X),
        ("vm-restart inference", "vm restart", _X),
        ("vmrestart inference", "vm restart", _X),
        ("vm restrat inference", "vm restart", _X),
        ("restrat inference", "vm restart", _X),
        ("vm strat inference", "vm start", _X),
        ("vm shutdwon inference", "vm shutdown", _X),
        ("lsit", "vm list", {}),
        ("rm inference", "vm delete", _X),
        ("remove inference", "vm delete", _X),
        ("delete inference", "vm delete", _X),
        ("删掉 inference", "vm delete", _X),
        ("把 inference 重启", "vm restart", _X),
        ("重启训练机", "vm restart", {"vm": "训练机"}),
        ("重启虚拟机 inference", "vm restart", _X),
        ("看看 inference", "vm show", _X),
        ("列出所有虚拟机", "vm list", {}),
        ("有哪些机器", "vm list", {}),
        ("我的机器", "vm list", {}),
        ("我的会话", "session list", {}),
        ("新建虚拟机", "vm create", {}),
        ("inference 日志", "vm logs", _X),
        ("审批列表", "approval list", {}),
        ("驳回 ebUa07ia", "approval list", {}),
        ("撤回审批 ebUa07ia", "approval cancel", {"approval": "ebUa07ia"}),
        ("approval reject ebUa07ia", "approval list", {}),
        ("snapshots inference", "snapshot list", _X),
        ("disks of inference", "disk list", _X),
        ("snapshot take inference before", "snapshot create", {**_X, "name": "before"}),
        ("how do I ssh into inference", "vm show", _X),
        ("vm ip inference", "vm show", _X),
        ("rename inference to prod", "vm name", {**_X, "nickname": "prod"}),
        ("help me", "help", {}),
        ("谢谢", "help", {}),
        ("ok thanks", "help", {}),
    ],
)
def test_a_line_is_answered_with_what_is_meant(
    line: str, first: str, values: dict[str, str]
) -> None:
    found = parse(TABLE, delivered(line))
    assert isinstance(found, NotUnderstood)
    assert found.nearest[0].title == first
    assert found.given[found.nearest[0].id] == values
    effects = [command.effect_of({}) for command in found.nearest]
    assert effects == sorted(effects)


@pytest.mark.parametrize(
    "line",
    [
        "vm delete inference train-01",
        "vm delete inference and train-01",
        "vm delete inference yes",
        "vm delete inference train-01 on gpu1",
        "vm restart inference forse",
        "vm restart inference not force",
        "vm restart inference；vm delete train-01",
        "vm shutdown inference tonight",
        "vm name inference my new name",
        "approval cancel ebUa07ia 7a9Qx2Lk",
    ],
)
def test_a_word_too_many_is_never_passed_over(line: str) -> None:
    with pytest.raises(Surplus):
        parse(TABLE, delivered(line))


@pytest.mark.parametrize(
    "line", ["vm delete -rf inference", "vm restart inference --froce", "vm restart inference -f"]
)
def test_an_option_that_there_is_not_is_named(line: str) -> None:
    with pytest.raises(Refused, match="has no option"):
        parse(TABLE, line)


@pytest.mark.parametrize("line", ["?", "？", "帮助", "/dbc", "help!", ""])
def test_help_is_given(line: str) -> None:
    assert parse(TABLE, line) == HelpWanted()


@pytest.mark.parametrize(
    ("line", "fit"),
    [
        ("vm restart inference forc", _FORCED),
        ("vm restart inference --forec", _FORCED),
        ("vm restart -f inference", _FORCED),
        ("vm restart inference training", _X),
        ("vm restart inference now and then", _X),
        ("vm restart inference wait=1 on gpu1", _ON),
        ("vm restart inference force quickly", _FORCED),
        ("vm restart inference no force", _X),
        ("vm restart inference not --force", _X),
        ("vm restart inference not force=true", _X),
        ("vm restart inference please do not force it", _X),
        ("vm modify inference gpu +2", _X),
        ("vm modify inference mem by 8", _X),
        (f"vm restart inference {'word ' * 50}", {}),
    ],
)
def test_what_fits_of_an_unclear_line_is_kept_for_its_form(line: str, fit: dict[str, str]) -> None:
    with pytest.raises(Unclear) as unclear:
        parse(TABLE, line)
    assert unclear.value.fit == fit


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("vm restart inference because it does not react to force", "it does not react to force"),
        ("vm restart inference reason=kernel hang --force", "kernel hang --force"),
        ("vm restart inference 原因：不要 强制", "不要 强制"),
        ("重启 inference 原因 没反应 强制", "没反应 强制"),
        ("vm delete inference because unused --dry-run here", "unused --dry-run here"),
        ("vm delete inference # --dry-run first", "--dry-run first"),
        ("vm delete inference reason=old box dry_run=true", "old box dry_run=true"),
        ("虚拟机 删除 inference 原因 没用 了 试运行 谢谢", "没用 了 试运行 谢谢"),
        ("vm delete inference reason=old box on=gpu2", "old box on=gpu2"),
        ("vm delete inference reason=old box --on gpu2", "old box --on gpu2"),
        ("vm delete inference because old on gpu2", "old on gpu2"),
        ("虚拟机 删除 inference 因为 旧 在 gpu2 上", "旧 在 gpu2 上"),
        ("vm delete inference because old --dryrun", "old --dryrun"),
        ("vm delete inference because old node=gpu2", "old node=gpu2"),
        ("vm delete inference because 旧了，试运行", "旧了，试运行"),
        ("vm restart inference because hung,force", "hung,force"),
        ("vm delete inference because nobody needs it dry run", "nobody needs it dry run"),
        ("vm delete inference because unused on gpu2 now", "unused on gpu2 now"),
        ("vm delete inference 因为 没人 在 gpu2 上 用 了", "没人 在 gpu2 上 用 了"),
        ("vm restart inference because of an update, after lunch", "of an update, after lunch"),
        ("vm delete inference because it is old, unless used", "it is old, unless used"),
        ("重启 inference 因为 升级，明天早上", "升级，明天早上"),
    ],
)
def test_what_may_be_no_part_of_a_reason_is_asked_about(line: str, reason: str) -> None:
    with pytest.raises(Unclear) as caught:
        parse(TABLE, delivered(line))
    assert caught.value.fit == {**_X, "reason": reason}
    assert "is a part of the reason" in caught.value.sentence


def test_a_node_in_a_reason_contradicts_none_before_it() -> None:
    found = parse(TABLE, "image delete ubuntu on gpu1 because we moved to gpu2")
    assert isinstance(found, Parsed)
    assert found.values == {"image": "ubuntu", "node": "gpu1", "reason": "we moved to gpu2"}
    with pytest.raises(Refused, match="given twice"):
        parse(TABLE, "image delete ubuntu on gpu1 on gpu2 because we moved")


@pytest.mark.parametrize("line", ["lan delete name 2 days", "snapshot create train-01 vm 1 hour"])
def test_a_name_takes_no_unit_of_time(line: str) -> None:
    with pytest.raises(Unclear):
        parse(TABLE, line)


@pytest.mark.parametrize("line", ["vm start 50 hours", "vm restart 5 lines", "虚拟机 关机 50 小时"])
def test_the_beginning_of_an_id_is_no_number_of_things(line: str) -> None:
    with pytest.raises(Surplus):
        parse(TABLE, line)


def test_an_option_for_everyone_may_stand_behind_a_reason() -> None:
    found = parse(TABLE, "vm delete inference because it is old --dry-run")
    assert isinstance(found, Parsed)
    assert found.values == {**_X, "reason": "it is old", "dry_run": "true"}


def test_what_would_grow_something_is_not_taken_for_its_size() -> None:
    with pytest.raises(Refused, match="not how much to add"):
        parse(TABLE, "vm modify inference gpu=+2")


@pytest.mark.parametrize("since", ["2 hours", "2 小时"])
def test_a_span_of_time_has_its_unit_behind_it(since: str) -> None:
    found = parse(TABLE, f"audit list since {since}")
    assert isinstance(found, Parsed)
    assert found.values == {"since": "2h"}


@pytest.mark.parametrize(
    "line", ["vm show {}", "vm restart inference because {}", "{}", "please {}", "vm list {}"]
)
def test_a_line_of_any_length_is_answered_without_holding_others_up(line: str) -> None:
    """Its cost grows with its length at most: counted in steps, not by a clock."""

    def steps(words: int) -> int:
        taken = 0

        def step(_frame: FrameType, event: str, _given: object) -> None:
            nonlocal taken
            taken += event == "call"

        text = line.format(" ".join(f"word{i}" for i in range(words)))
        sys.setprofile(step)
        try:
            with suppress(Refused):
                parse(TABLE, text)
        finally:
            sys.setprofile(None)
        return taken

    steps(200)
    assert steps(5_000) < 30 * steps(200)


@pytest.mark.parametrize(
    "line",
    [
        "can i start inference?",
        "could i shutdown inference",
        "i would start inference",
        "let start inference",
    ],
)
def test_a_question_is_no_command(line: str) -> None:
    assert isinstance(parse(TABLE, delivered(line)), NotUnderstood)


@pytest.mark.parametrize("asks", ["can you", "could you please", "i need to", "we want to", "lets"])
def test_a_request_is_a_command(asks: str) -> None:
    found = parse(TABLE, f"{asks} restart inference")
    assert isinstance(found, Parsed)
    assert found.command.id == "vm.restart"


@pytest.mark.parametrize(
    "line", ["please do not restart inference", "请不要重启 inference", "don't restart inference"]
)
def test_what_says_the_contrary_is_no_courtesy(line: str) -> None:
    assert isinstance(parse(TABLE, line), NotUnderstood)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("vm restart inference force reason: kernel hang", {**_FORCED, "reason": "kernel hang"}),
        ("vm restart inference force because kernel hang", {**_FORCED, "reason": "kernel hang"}),
        ("vm restart inference force 原因：内核卡死", {**_FORCED, "reason": "内核卡死"}),
        ("vm restart inference force 因为 内核卡死", {**_FORCED, "reason": "内核卡死"}),
        ("vm restart inference reason=its force is gone", {**_X, "reason": "its force is gone"}),
        ("vm shutdown inference # it hangs, twice", {**_X, "reason": "it hangs, twice"}),
        ("vm delete inference -- old", {**_X, "reason": "old"}),
        ("vm restart inference reason=“why force”", {**_X, "reason": "why force"}),
        ("强制重启 inference 原因 卡住了", {**_FORCED, "reason": "卡住了"}),
        ("force restart inference", _FORCED),
        ("please force restart inference", _FORCED),
        ("vm force restart inference", _FORCED),
        ("强制 重启 inference", _FORCED),
        ("vm restart inference because nobody works on it", {**_X, "reason": "nobody works on it"}),
        ("force-restart inference because it hangs", {**_FORCED, "reason": "it hangs"}),
        ("vm modify inference gpu 2", {**_X, "gpu": "2"}),
        ("vm modify inference gpu to 2 mem 64G", {**_X, "gpu": "2", "mem": "64"}),
        ("vm list sort by name", {"sort": "name"}),
        ("vm list running", {"state": "running"}),
        ("vm list gpu1 stopped", {"node": "gpu1", "state": "off"}),
        ("虚拟机 列表 运行中", {"state": "running"}),
        ("vm logs inference last 20 lines", {**_X, "end": "tail", "lines": "20"}),
        ("vm logs inference 最后 20 行", {**_X, "end": "tail", "lines": "20"}),
        ("- vm show inference", _X),
        ("1. vm show inference", _X),
        ("$ /dbc vm show inference", _X),
    ],
)
def test_what_does_not_fit_as_it_stands_is_read_as_people_talk(
    line: str, values: dict[str, str]
) -> None:
    found = parse(TABLE, delivered(line))
    assert isinstance(found, Parsed)
    assert found.values == values


def test_a_password_is_never_read_into_a_line() -> None:
    with pytest.raises(Refused, match="only in the form"):
        parse(TABLE, "vm passwd inference password s3cret reason: lost")


@pytest.mark.parametrize("line", ["show logs of inference", "show me the logs of inference"])
def test_looking_at_something_is_about_that(line: str) -> None:
    found = parse(TABLE, line)
    assert isinstance(found, NotUnderstood)
    assert found.nearest[0].title == "vm logs"
    assert found.given["vm.logs"] == _X
