"""Rules that look as if they guarded something and do not: they stop the start, with their line."""

from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.ids import NodeId
from bot.language.canonical import known_arguments
from bot.reviews.policy import Policy
from bot.reviews.policy_file import FaultyPolicy, read_policy

KNOWN = known_arguments(command_table())
NODE = NodeId("b" * 64)


def read(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path, KNOWN)


def rule(match: str, then: str = "", name: str = "a") -> str:
    return f'[[rule]]\nname = "{name}"\nmatch = {{ {match} }}\n{then}\n'


@pytest.mark.parametrize(
    ("match", "then", "fault"),
    [
        # what only reads
        ('command = "vm.list"', "approvals = 2", "3: “vm.list” only reads, which can be denied"),
        ('command = "vm.show"', 'reason = "."', "3: “vm.show” only reads"),
        ('command = ["vm.delete", "vm.logs"]', "approvals = 2", "3: “vm.logs” only reads"),
        ('effect = "read"', "approvals = 1", "3: what only reads can be denied, not reviewed"),
        ('effect = ["read", "destroy"]', "approvals = 1", "3: what only reads can be denied"),
        (
            'command = "metal.power", arguments = { power = "status" }',
            "approvals = 1",
            "3: “metal.power” only reads",
        ),
        ("arguments = { lines = 5 }", "approvals = 1", "3: `match` only reads"),
        # what rules do not count for
        ('command = "approval.*"', 'deny = "No."', "3: “approval.*” needs nobody's leave"),
        ('command = "help"', 'deny = "No."', "3: “help” needs nobody's leave"),
        # what can never match
        ('command = "vm.start", effect = "destroy"', 'deny = "No."', "3: “vm.start” is never to"),
        (
            'command = "vm.restart", effect = "disrupt", arguments = { force = true }',
            "approvals = 1",
            "3: “vm.restart” is never to disrupt",
        ),
        (
            'command = ["vm.restart", "vm.delete"], arguments = { force = true }',
            "approvals = 1",
            "3: “vm.delete” can never have these `arguments`",
        ),
        (
            'command = "vm.modify", arguments = { mem = 32, memory = 64 }',
            "approvals = 1",
            "3: “vm.modify” can never have these `arguments`",
        ),
        (f'command = "alias.add", node = "{NODE}"', "approvals = 1", "3: “alias.add” is about no"),
        ('command = "vm.delete", person = []', 'deny = "No."', "3: `person` must not be empty"),
        ("command = []", 'deny = "No."', "3: `command` must not be empty"),
        # what says nothing, or the contrary
        ('command = "vm.delete"', "", "3: the rule demands nothing"),
        ('command = "vm.delete"', "approvals = 0", "3: the rule demands nothing"),
        ('command = "vm.delete"', "confirm = false", "3: the rule demands nothing"),
        ('command = "vm.delete"', 'deny = ""', "4: `deny` must not be empty"),
        ('command = "vm.delete"', 'deny = "  "', "4: `deny` must not be empty"),
        ('command = "vm.delete"', 'deny = "No."\napprovals = 2', "4: beside `deny` nothing else"),
        ('command = "vm.delete"', "approvals = 2\nconfirm = true", "5: `confirm` counts for"),
        ('command = "vm.delete"', "approvals = 1\napprovers = {}", "5: `approvers` names nobody"),
        ('command = "vm.delete"', 'reason = ""', "4: `reason` must not be empty"),
        # what counts only where approvals are needed
        ('command = "vm.start"', "type_name = true", "4: `type_name` counts only where approvals"),
        (
            'command = "vm.start"',
            'approvers = { persons = ["U1"] }',
            "4: `approvers` counts only where approvals",
        ),
        ('command = "vm.restart", arguments = { force = false }', "denials = 2", "4: `denials`"),
        ('command = "vm.start"', 'break_glass = { persons = ["U1"] }', "4: `break_glass` counts"),
        ('command = "vm.start"', 'expires = "1h"', "4: `expires` counts only where something"),
        # what seems to say something
        ('command = "vm.delete"', "confirm = true", "4: `confirm` counts for nothing: approvals"),
        ('command = "vm.delete"', 'deny = "\\u200b\\u00a0"', "4: `deny` must not be empty"),
        ('command = "vm.delete"', 'deny = "No\\u0000."', "4: `deny` has no control characters"),
        ('command = "vm.delete"', f'deny = "{"x" * 1001}"', "4: `deny` has no control"),
        ('command = "vm.delete"', 'reason = ".*"', "4: `reason` is content with an empty text"),
        ('command = "vm.delete"', 'reason = "^OPS|"', "4: `reason` is content with an empty"),
        ('command = "vm.delete"', "break_glass = {}", "4: `break_glass = {}` counts for nothing"),
        ('command = "vm.delete"', "self_approval = false", "4: `self_approval = false` counts"),
        ('command = "vm.delete", arguments = {}', 'deny = "No."', "3: `arguments` must not be"),
        ('command = "vm.delete", arguments = { vm = "" }', 'deny = "No."', "3: `arguments` can"),
        ('command = "vm.create", arguments = { os = "" }', 'deny = "No."', "3: `arguments` can"),
        (f'command = "image.servers", node = "{NODE}"', 'deny = "No."', "3: “image.servers” is ab"),
        # times
        ('command = "vm.delete"', 'expires = "0s"', "4: `expires` is a time of at least 1s"),
        ('command = "vm.delete"', 'expires = "999999999d"', "4: `expires` is a time of at least"),
        ('command = "vm.delete"', 'expires = "99999999999999999999d"', "4: `expires` is a time"),
        ('command = "vm.delete"', 'remind = "0min"', "4: `remind` is a time of at least 1s"),
        ('command = "vm.delete"', 'expires = "1h"\nremind = "2h"', "5: `remind` comes only after"),
    ],
)
def test_a_rule_that_guards_nothing_is_refused_with_its_line(
    tmp_path: Path, match: str, then: str, fault: str
) -> None:
    with pytest.raises(FaultyPolicy) as caught:
        read(tmp_path, rule(match, then))
    assert f"line {fault}" in caught.value.sentence


@pytest.mark.parametrize(
    "text",
    [
        rule('command = "vm.*"', "approvals = 2"),  # the reads among them are not meant
        rule("", "approvals = 1"),
        rule('effect = "read"', 'deny = "No."'),
        rule('command = "vm.list"', 'deny = "No."'),
        rule(f'node = "{NODE}"', "type_name = true"),
        rule(f'command = "vm.list", node = "{NODE}"', 'deny = "No."'),
        rule('command = "vm.restart"', "type_name = true"),  # with force it needs an approval
        rule('command = "vm.start"', "approvals = 1")
        + rule('command = "vm.*"', "type_name = true", name="b"),
        "[defaults]\nchange = { approvals = 1 }\n" + rule('command = "vm.start"', "denials = 2"),
        rule('command = "metal.power", arguments = { power = "off" }', "approvals = 1"),
        rule('command = "vm.modify", arguments = { ports = "tcp,22" }', "approvals = 1"),
        rule('command = "vm.restart"', 'expires = "2min"'),
        rule('command = "vm.delete", person = "U0NOBODY", channel = "C0GONE"', 'deny = "No."'),
        rule('command = "settings"', "approvals = 1"),
        rule('command = "vm.*"', "self_approval = true")
        + rule('command = "vm.delete"', "self_approval = false", name="b"),
        rule('command = "vm.*"', 'break_glass = { persons = ["U1"] }')
        + rule('command = "vm.delete"', "break_glass = {}", name="b"),
        rule('command = "vm.*"', 'break_glass = { persons = ["U1"] }'),
        rule('command = "vm.restart"', 'break_glass = { persons = ["U1"] }'),
        rule('command = "snapshot.create", arguments = { server = "" }', 'deny = "Say which."'),
        rule(f'command = "whoami", node = "{NODE}"', 'deny = "No."'),
        rule('command = "vm.delete"', 'deny = "不行。\\u3000请用 vm shutdown 👩‍💻"'),
        "\ufeff" + rule('command = "vm.delete"', 'deny = "No."'),
    ],
)
def test_a_rule_that_guards_something_is_taken(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).rule


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[defaults]\nchange = { type_name = true }\n", "2: `type_name` counts only where"),
        (
            "[defaults]\ndestroy = { approvals = 1, approvers = {} }\n",
            "2: `approvers` names nobody",
        ),
        ('[audit]\nchannel = "gpu-ops"\n', "2: `channel` names a channel by id"),
        (
            rule('command = "vm.start"', "approvals = 1")
            + rule('command = "vm.name"', "type_name = true", name="b"),
            "8: `type_name` counts only where",
        ),
    ],
)
def test_what_counts_for_nothing_beside_the_others_is_refused(
    tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(FaultyPolicy) as caught:
        read(tmp_path, text)
    assert f"line {fault}" in caught.value.sentence


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("(default)", "2: `name` is how the defaults are called"),
        ("a\\nb", "2: `name` is one line of at most 80 characters"),
        ("x" * 81, "2: `name` is one line of at most 80 characters"),
        ("\\u200b", "2: `name` must not be empty"),
    ],
)
def test_a_rule_has_a_name_that_can_be_told(tmp_path: Path, name: str, fault: str) -> None:
    with pytest.raises(FaultyPolicy) as caught:
        read(tmp_path, rule('command = "vm.delete"', "approvals = 2", name=name))
    assert f"line {fault}" in caught.value.sentence


def test_names_that_read_the_same_are_the_same(tmp_path: Path) -> None:
    one = 'command = "vm.delete"', "approvals = 2"
    with pytest.raises(FaultyPolicy) as caught:
        read(tmp_path, rule(*one, name="two") + rule(*one, name="Two "))
    assert "two rules are called “Two ”" in caught.value.sentence


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FaultyPolicy) as caught:
        read(
            tmp_path,
            rule('command = "vm.list"', "approvals = 2")
            + rule('command = "vm.delete"', 'expires = "soon"', name="b")
            + rule('command = "approval.show"', 'deny = "No."', name="c"),
        )
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("text", ["approvals = " + "9" * 5000, "x = " + "[" * 5000])
def test_a_file_that_no_parser_takes_is_a_fault_and_no_crash(tmp_path: Path, text: str) -> None:
    with pytest.raises(FaultyPolicy):
        read(tmp_path, text)


@pytest.mark.parametrize("other", ["U0A", "U0B"])
def test_what_counts_only_for_others_makes_nothing_count(tmp_path: Path, other: str) -> None:
    typed = rule('command = "vm.start", person = "U0A"', "type_name = true")
    text = typed + rule(f'command = "vm.start", person = "{other}"', "approvals = 1", "b")
    if other == "U0A":
        assert len(read(tmp_path, text).rule) == 2
        return
    with pytest.raises(FaultyPolicy, match="`type_name` counts only where approvals are needed"):
        read(tmp_path, text)
