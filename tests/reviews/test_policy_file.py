"""The file of rules: what is refused when it is read, and how that is said."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.errors import BotError
from bot.ids import TaskId
from bot.language.canonical import known_arguments
from bot.reviews.policy import decide
from bot.reviews.policy_file import FaultyPolicy, read_policy
from bot.reviews.rule_arguments import Guarded
from tests.reviews.test_policy import request


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("[[rule]\n", " line 1", "this is not TOML"),
        ('[[rule]]\nname = "a"\nmatch = {}\napprovals = -1\n', " line 4", "approvals"),
        (
            '[[rule]]\nname = "a"\nmatch = {}\nexpires = "soon"\n',
            " line 4",
            "`expires` is a time like 30min or 2h.",
        ),
        (
            '[[rule]]\nname = "a"\nmatch = {}\n\n[[rule]]\nname = "b"\nmatch = {}\nwhat = 1\n',
            " line 8",
            "what",
        ),
        ('[[rule]]\nname = "a"\nmatch = { effect = "boom" }\n', " line 3", "boom"),
        ('[[rule]]\nname = "a"\nmatch = {}\nreason = "("\n', " line 4", "regular expression"),
        (
            '[[rule]]\nname = "a"\nmatch = {}\n[[rule]]\nname = "a"\nmatch = {}\n',
            " line 5",
            "two rules",
        ),
        ("[outages]\nmachines = false\nssh = true\n", " line 3", "needs `machines = true`"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place_and_the_reason(
    tmp_path: Path, text: str, place: str, reason: str
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(BotError) as fault:
        read_policy(path)
    assert f"policy.toml{place}" in fault.value.sentence
    assert reason in fault.value.sentence


def test_a_pattern_that_fits_no_command_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[[rule]]\nname = "a"\nmatch = { command = "vm.delet" }\ndeny = "No."\n')
    with pytest.raises(BotError) as fault:
        read_policy(path, {"vm.delete": Guarded(), "vm.list": Guarded()})
    assert "policy.toml line 3" in fault.value.sentence
    assert "guard nothing" in fault.value.sentence


@pytest.mark.parametrize(
    ("match", "fault"),
    [
        (
            'command = "image.*", arguments = { form = "hub" }',
            "`arguments` names `form`, which no command of this rule takes; "
            "perhaps `from` is meant.",
        ),
        (
            'command = "vm.modify", arguments = { force = true }',
            "`arguments` names `force`, which no command of this rule takes.",
        ),
        (
            'command = "session.add", arguments = { session_id = "x" }',
            "`arguments` names `session_id`, which no command of this rule takes.",
        ),
        (
            'command = "metal.power", arguments = { power = "of" }',
            "`arguments` can never hold for `power`: "
            "Power must be on, off, reset or status, not “of”.",
        ),
        (
            'command = "vm.modify", arguments = { cpu = 5000 }',
            "`arguments` can never hold for `cpu`: CPU cores must be between 1 and 1024, not 5000.",
        ),
        (
            'command = "vm.*", arguments = { machine = "inference" }',
            "`arguments` can never hold for `machine`: "
            "a machine's id has 20 to 22 letters and digits.",
        ),
        (
            'arguments = { node = "gpu1" }',
            "`arguments` can never hold for `node`: it has several names; "
            '`match` says which is meant by its id: node = "…".',
        ),
    ],
)
def test_an_argument_that_guards_nothing_is_refused(tmp_path: Path, match: str, fault: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'[[rule]]\nname = "a"\nmatch = {{ {match} }}\ndeny = "No."\n')
    with pytest.raises(FaultyPolicy) as caught:
        read_policy(path, known_arguments(command_table()))
    assert list(caught.value.faults) == [f"{path} line 3: {fault}"]


@pytest.mark.parametrize(
    ("match", "command", "given"),
    [
        ('arguments = { power = "off" }', "metal.power", {"command": "off"}),
        ('arguments = { from = "hub" }', "image.download", {"server": "hub"}),
        ('arguments = { to = "hub" }', "image.upload", {"server": "hub"}),
        ('arguments = { image-server = "HUB" }', "image.upload", {"server": "hub"}),
        ('arguments = { memory = "1T" }', "vm.modify", {"mem": "1024"}),
        ("arguments = { mem = 32 }", "vm.modify", {"mem": "32G"}),  # as once written down
        ('arguments = { public_ip = "none" }', "vm.modify", {"public_ip": "NONE"}),
        ('arguments = { image = "a.qcow2" }', "image.upload", {"image": "/data/a.qcow2"}),
        ("arguments = { force = false }", "vm.restart", {}),
        ('arguments = { force = "yes" }', "vm.restart", {"force": "true"}),
        (f'arguments = {{ vm = "{"7" * 22}" }}', "vm.delete", {"vm": "train-01"}),
        ("arguments = { json = true }", "vm.list", {"json": "true"}),
    ],
)
def test_an_argument_is_meant_by_any_of_its_names_and_spellings(
    tmp_path: Path, match: str, command: str, given: Mapping[str, str]
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'[[rule]]\nname = "a"\nmatch = {{ {match} }}\ndeny = "No."\n')
    rules = read_policy(path, known_arguments(command_table()))
    asked = request(command=command, arguments=given, task="7" * 22)
    assert decide(rules, asked).why == "No."
    other = dict.fromkeys(given, "x") or {"force": "true"}
    assert not decide(rules, replace(asked, arguments=other, task=TaskId("8" * 22))).why


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("[[rule]]\nmatch = {}\n", ["1: a rule needs a `name`."]),
        ('[[rule]]\nname = "a"\n', ["1: a rule needs a `match`."]),
        ('[[test]]\nask = "U1 in C1: vm list"\n', ["1: a test needs an `expect`."]),
        (
            '[[rule]]\nname = ""\nmatch = {}\naprovals = 2\nconfirm = "yes"\n'
            '[[rule]]\n# approvals\napprovals = "2"\nmatch = { node = "gpu1", nodes = 3 }\n',
            [
                "2: `name` must not be empty.",
                "4: a rule has no key `aprovals`; perhaps `approvals` is meant.",
                "5: `confirm` is true or false, without quotes.",
                "6: a rule needs a `name`.",
                "8: `approvals` is a whole number.",
                "9: `match` has no key `nodes`; perhaps `node` is meant.",
                "9: `node` names nodes by id, like b1a9e7…, not “gpu1”.",
            ],
        ),
        (
            "[defaults]\nchange = true\n[audit]\nchannel = 3\nauditors = { persons = [1] }\n",
            [
                "2: `change` is a table, like { approvals = 1 }.",
                "4: `channel` is a text in quotes.",
                "5: `persons` is a text in quotes, or a list of such texts.",
            ],
        ),
        (
            '[[rule]]\nname = "a"\nmatch = { arguments = { force = 1.5 } }\napprovals = 21\n'
            'approvers = { persons = "bob" }\n',
            [
                "3: the argument `force` is a text in quotes, a whole number, true or false.",
                "4: `approvals` is a whole number, 20 or less.",
                "5: `persons` names people by id, like U0123ABCD, not “bob”.",
            ],
        ),
        ("rule = 1\n", ["1: `rule` is written in double brackets, [[rule]], once for each rule."]),
    ],
)
def test_all_faults_are_said_at_once_each_with_its_line(
    tmp_path: Path, text: str, faults: list[str]
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(FaultyPolicy) as caught:
        read_policy(path)
    assert list(caught.value.faults) == [f"{path} line {fault}" for fault in faults]


def test_a_file_that_is_not_there_is_said_with_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FaultyPolicy) as caught:
        read_policy(Path("policy.toml"))
    told = f"{tmp_path}/policy.toml does not exist (POLICY_FILE=policy.toml)."
    assert caught.value.sentence == told


def test_what_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'[[rule]]\nname = "caf\xe9"\n')
    for name, told in {"": "is a directory", "latin.toml": "is not UTF-8 text (byte 21)"}.items():
        with pytest.raises(FaultyPolicy) as caught:
            read_policy(tmp_path / name)
        assert told in caught.value.sentence
