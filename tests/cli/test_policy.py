"""`python -m bot policy`: what the rules decide, why, and what is wrong with a file."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import main
from bot.reviews.policy_file import read_policy

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "policy.example.toml"
PRODUCTION = next(
    node for rule in read_policy(EXAMPLE).rule for node in rule.match.node if rule.approvals
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no .env, and no setting of Slack's."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "POLICY_FILE"):
        monkeypatch.delenv(name, raising=False)


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", *arguments])


def test_it_says_what_is_decided_by_which_rules_and_who_is_needed() -> None:
    line = "U0ALICE in C0GPUOPS: vm delete train-01"
    answer = ask("check", line, "--node", PRODUCTION, "--file", str(EXAMPLE)).output
    for words in (
        "vm.delete, which is to destroy",
        "needs 2 approvals",
        "(default), production is deleted by two of the leads, with a ticket",
        "members of S0LEADS; not the requester",
        "must match ^OPS-[0-9]+",
        "after 4 h",
        "an approver types the machine's description or id",
        "U0ALICE may not",
    ):
        assert words in answer


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        ("U1: vm list", "runs at once"),
        ("U1: vm start x", "runs at once"),
        ("<@U1|bob> in <#C1|ops>: vm restart x", "the requester confirms"),
        ("U1: vm restart x force", "needs 1 approval"),
        ("U1 in C1 : vm delete x", "needs 1 approval"),
    ],
)
def test_without_a_file_the_defaults_decide(line: str, decision: str) -> None:
    answer = ask("check", line).output
    assert decision in answer
    assert "(default)" in answer


@pytest.mark.parametrize("name", ["x reason=" + "y" * 250, "rules.toml"])
def test_a_question_is_one_however_long_and_whatever_it_ends_with(name: str) -> None:
    assert "needs 1 approval" in ask("check", f"U1 in C1: vm delete {name}").output
    done = ask("check", "x y " * 100)
    assert (done.exit_code, "Ask like this" in done.output) == (2, True)


def test_user_groups_are_given() -> None:
    line = "U0X: vm delete x"
    denied = ask("check", line, "--group", "S0INTERNS", "--file", str(EXAMPLE)).output
    assert "denied: Ask your mentor to do this." in denied
    assert "denied" not in ask("check", line, "--file", str(EXAMPLE)).output


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("vm delete x", "Ask like this"),
        ("U1: vm delet x", "“vm delet” is no command. Perhaps you mean “vm delete”"),
        ("U1: frobnicate", "is no command"),
        ("U1: help vm", "asks for help"),
        ("bob: vm list", "“bob” is not a person's Slack id, like U0123ABCD"),
        ("U1 in #general: vm list", "“#general” is not a channel's Slack id"),
        ("U1: vm logs x head many", "many"),
    ],
)
def test_what_is_no_question_is_said(line: str, problem: str) -> None:
    answer = ask("check", line)
    assert answer.exit_code != 0
    assert problem in answer.output


@pytest.mark.parametrize("command", [("check", "U1: vm list"), ("show",)])
def test_a_faulty_file_is_said_with_its_line(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[[rule]]\nname = "a"\nmatch = {}\nexpires = "soon"\n')
    monkeypatch.setenv("POLICY_FILE", str(path))
    answer = ask(*command)
    assert answer.exit_code == 1
    assert "policy.toml line 4: `expires` is a time like 30min or 2h." in answer.output


def test_what_the_file_is_not_is_said() -> None:
    answer = ask("check", "U1: vm list", "--file", "nowhere.toml")
    assert answer.exit_code == 1
    assert "nowhere.toml does not exist (--file=nowhere.toml)." in answer.output


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--node", "gpu1"), "64 hexadecimal digits"),
        (("--group", "leads"), "user group's Slack id"),
    ],
)
def test_ids_that_are_none_are_said(options: tuple[str, ...], problem: str) -> None:
    answer = ask("check", "U1: vm list", *options)
    assert answer.exit_code == 2
    assert problem in answer.output


def test_a_node_by_its_name_is_no_node_to_the_rules() -> None:
    assert "gpu1, a name: give its id with --node" in ask("check", "U1: vm delete x on gpu1").output


def test_the_example_is_valid_and_shown_in_words() -> None:
    answer = ask("show", "--file", str(EXAMPLE))
    assert answer.exit_code == 0
    for rule in read_policy(EXAMPLE).rule:
        assert f"“{rule.name}”" in answer.output
    assert "glass broken by" in answer.output


def test_all_that_a_file_can_hold_is_shown(tmp_path: Path) -> None:
    """Whoever adds a table or a key to the rules need not remember `show`."""
    shown = ask("show", "--file", str(EXAMPLE)).output
    for table, values in read_policy(EXAMPLE):
        if table in {"defaults", "rule", "budget", "test"}:  # in words, looked at above
            continue
        block = shown.split(f"[{table}]\n")[1].split("\n\n")[0]
        assert [one.split(":")[0].strip() for one in block.splitlines()] == [k for k, _ in values]
    file = tmp_path / "rules.toml"
    file.write_text(
        '[freeze]\npeople = { persons = ["U0ALICE"], groups = ["S0OPS"] }\nchannel = "C0OPS"\n'
        '[breaker]\ndestroys = 3\nwithin = "30min"\n[outages]\nssh = true\n'
        '[[test]]\nask = "U0A: vm list"\nexpect = "runs"\n'
    )
    shown = ask("show", "--file", str(file)).output
    assert "[freeze]\n  people: U0ALICE, members of S0OPS\n  channel: C0OPS\n" in shown
    assert "[breaker]\n  destroys: 3\n  within: 30 min\n" in shown
    assert "  ssh: yes\n" in shown
    assert "1 test: python -m bot policy test runs it." in shown


def test_the_demos_rules_are_valid_and_shown_in_words() -> None:
    answer = ask("show", "--file", str(ROOT / "sandbox" / "demo-rules.toml"))
    assert answer.exit_code == 0
    for words in (
        "2 approvals",
        "reminded after 30 s",
        "within 1 min",
        "the machine's description or id typed",
    ):
        assert words in answer.output


def test_without_a_file_the_defaults_are_said_to_be_in_force(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("POLICY_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    for command, code in (("check", 0), ("show", 0), ("test", 1)):
        answer = ask(command)
        assert answer.exit_code == code
        assert "There is no POLICY_FILE: the defaults are in force." in answer.output


def test_the_example_says_the_defaults_as_they_are() -> None:
    assert read_policy(EXAMPLE).defaults == read_policy(None).defaults


def test_an_empty_file_which_deployments_begin_with_is_as_good_as_none(tmp_path: Path) -> None:
    empty = tmp_path / "policy.toml"
    empty.touch()
    assert read_policy(empty) == read_policy(None)
    assert ask("show", "--file", str(empty)).exit_code == 0
    for page in ("README.md", "README.zh-CN.md", "docs/deployment.md"):
        told = (ROOT / page).read_text(encoding="utf-8")
        assert "cp policy.example.toml" not in told  # it names people who are invented


def _file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_only_reads_is_never_said_to_need_an_approval(tmp_path: Path) -> None:
    file = _file(tmp_path, '[[rule]]\nname = "a"\nmatch = {}\napprovals = 2\nreason = "."\n')
    read = ask("check", "U1: vm show x", "--file", file).output
    assert "runs at once" in read
    assert "Reason" not in read
    assert "needs 2 approvals" in ask("check", "U1: vm start x reason=x", "--file", file).output


@pytest.mark.parametrize(
    ("given", "decision"),
    [
        ("", "refused: A reason is needed for this. With it: needs 1 approval"),
        ("reason=because", "refused: The reason must match “^OPS”. With it: needs 1 approval"),
        ("reason=OPS-1", "needs 1 approval"),
    ],
)
def test_a_reason_that_does_not_do_is_said(tmp_path: Path, given: str, decision: str) -> None:
    file = _file(tmp_path, '[[rule]]\nname = "a"\nmatch = {effect = "destroy"}\nreason = "^OPS"\n')
    answer = ask("check", f"U1: vm delete x {given}", "--file", file).output
    assert f"Decision    {decision}" in answer


def test_what_nobody_can_do_is_named(tmp_path: Path) -> None:
    file = _file(tmp_path, "[defaults]\nchange = { approvals = 1 }\n")
    shown = ask("show", "--file", file).output
    assert "Warning: Nobody can do “session add”" in shown
    checked = ask("check", "U1: session add gpu1", "--file", file).output
    assert "Warning     nobody can do this" in checked
    assert "Warning" not in ask("show", "--file", str(EXAMPLE)).output


def test_a_directory_is_told_as_that(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["policy", "check", str(tmp_path)])
    assert (done.exit_code, "is a directory, not a file" in done.output) == (1, True), done.output


def test_one_word_is_the_name_of_a_file_though_there_is_none() -> None:
    done = ask("check", "rulez")
    assert (done.exit_code, "/rulez does not exist" in done.output) == (1, True), done.output
    assert "Ask like" not in done.output


def test_a_file_is_checked_by_its_name(tmp_path: Path) -> None:
    answer = ask("check", str(EXAMPLE))
    assert answer.exit_code == 0
    assert f"{EXAMPLE} can be used: 5 rules." in answer.output
    faulty = ask("check", _file(tmp_path, '[[rule]]\nname = "a"\nmatch = {}\nexpires = "soon"\n'))
    assert faulty.exit_code == 1
    assert "line 4: `expires` is a time like 30min or 2h." in faulty.output
    assert "nowhere.toml does not exist" in ask("check", "nowhere.toml").output


def test_who_can_names_requesters_approvers_and_who_may_break_the_glass_by_rule() -> None:
    answer = ask("who-can", "vm delete train-01", "--file", str(EXAMPLE)).output
    _, there = answer.split(f"On node {PRODUCTION}\n")
    rows = [row.strip() for row in there.partition("\n\n")[0].splitlines()]
    by = "by (default); production is deleted by two of the leads, with a ticket"
    assert rows[0] == "Anybody else"
    assert "needs 2 approvals; by members of S0LEADS; not the requester" in rows[1]
    assert rows[2] == by
    assert rows[3:6] == [
        "Members of S0INTERNS",
        "denied: Ask your mentor to do this.",
        f"{by}; interns change nothing that is lost",
    ]
    assert rows[6:] == [
        "Break the glass",
        "Members of S0ONCALL",
        "by production is deleted by two of the leads, with a ticket",
    ]


def test_who_can_follows_the_arguments_of_the_line() -> None:
    forced = ask("who-can", "vm restart x force", "--file", str(EXAMPLE)).output
    assert "U0CAROL, or Members of S0ONCALL" in forced
    assert "U0CAROL" not in ask("who-can", "vm restart x", "--file", str(EXAMPLE)).output


def test_who_can_without_rules_tells_one_story_for_everybody() -> None:
    answer = ask("who-can", "vm restart x").output
    assert "Everywhere\n  Everybody\n    the requester confirms" in answer


@pytest.mark.parametrize(
    ("line", "table"), [("doctor", "doctor"), ("freeze outage", "freeze"), ("unfreeze", "freeze")]
)
def test_who_may_do_what_a_table_of_its_own_names_them_for(line: str, table: str) -> None:
    answer = ask("who-can", line, "--file", str(EXAMPLE)).output
    assert "members of S0ONCALL" in answer
    assert f"by [{table}]" in answer
    assert "Everybody" not in answer
    assert "nobody" in ask("who-can", line).output
    checked = ask("check", f"U1: {line}", "--file", str(EXAMPLE)).output
    assert checked.startswith("Allowed     ")
    assert "members of S0ONCALL" in checked


def test_diff_tells_each_difference_with_an_example(tmp_path: Path) -> None:
    new = EXAMPLE.read_text(encoding="utf-8").replace("approvals = 2 ", "approvals = 3 ")
    new = new.replace('deny = "Logs are for #gpu-ops."', "approvals = 1").replace(
        'command = "vm.logs", channel', 'command = "vm.start", channel'
    )
    new = new.replace("approvals = 2\n", "approvals = 3\n")
    new += '[[rule]]\nname = "no images"\nmatch = {command = "image.delete"}\ndeny = "No."\n'
    answer = ask("diff", str(EXAMPLE), _file(tmp_path, new))
    assert answer.exit_code == 1
    for words in (
        "Becomes allowed: vm logs\n  example  “vm logs” by anybody else, on any other node, in",
        "before   denied: Logs are for #gpu-ops.",
        "Becomes denied: image delete",
        "because  changed: no images",
        "Needs more: vm delete, disk delete, snapshot delete",
        "before   needs 2 approvals",
        "after    needs 3 approvals",
        "Needs more: vm start\n  example  “vm start” by anybody else, on any other node, in C0GEN",
    ):
        assert words in answer.output


def test_diff_of_the_same_rules_finds_nothing(tmp_path: Path) -> None:
    renamed = EXAMPLE.read_text(encoding="utf-8").replace('name = "production', 'name = "prod')
    answer = ask("diff", str(EXAMPLE), _file(tmp_path, renamed))
    assert answer.exit_code == 0
    assert answer.output == "No request is decided otherwise.\n"


def test_diff_tells_who_reads_the_audit_and_what_nobody_can_do(tmp_path: Path) -> None:
    old = _file(tmp_path, "")
    new = tmp_path / "new.toml"
    new.write_text(
        "[defaults]\nchange = { approvals = 1 }\n[audit]\nauditors = { persons = ['U0AUDITOR'] }\n"
    )
    answer = ask("diff", old, str(new)).output
    assert "Changes: [audit.auditors]\n  before   nobody\n  after    U0AUDITOR" in answer
    assert "Warning: Nobody can do “session add”" in answer


def test_diff_refuses_what_it_could_not_go_through_whole(tmp_path: Path) -> None:
    one = '[[rule]]\nname = "{0}"\nmatch = {{group = "S0{0}"}}\napprovals = 1\n'
    new = _file(tmp_path, "".join(one.format(number) for number in range(13)))
    answer = ask("diff", str(EXAMPLE), new)
    assert answer.exit_code == 1
    assert "user groups apart; more than 12 cannot be gone through" in answer.output


TESTED = """
[[rule]]
name = "with a ticket"
match = { effect = "destroy" }
approvals = 2
reason = "^OPS"
break_glass = { persons = ["U0CAROL"] }

[[test]]
ask = "U0CAROL: vm delete x reason=OPS-1"
expect = "approve"
approvals = 2
break_glass = true
by = ["with a ticket"]

[[test]]
ask = "U0CAROL in C0GPUOPS: vm delete x"
expect = "reason"

[[test]]
ask = "U0CAROL: vm start x"
expect = "runs"
"""


def test_expectations_beside_the_rules_are_held_against_them(tmp_path: Path) -> None:
    file = _file(tmp_path, TESTED)
    answer = ask("test", file)
    assert (answer.exit_code, answer.output) == (0, "3 tests passed.\n")
    assert ask("check", file).exit_code == 0


def test_each_expectation_that_fails_is_told_with_what_is_decided(tmp_path: Path) -> None:
    wrong = TESTED.replace(
        "approvals = 2\nbreak_glass = true", "approvals = 1\nbreak_glass = false"
    )
    wrong = wrong.replace('expect = "runs"', 'expect = "denied"\nby = ["with a ticket"]')
    wrong = wrong.replace("U0CAROL in", "bob in")
    file = _file(tmp_path, wrong)
    answer = ask("test", file)
    assert answer.exit_code == 1
    for words in (
        "expected 1 approval, found 2. It needs 2 approvals ((default), with a ticket).",
        "U0CAROL may break the glass, which was not expected.",
        "“bob” is not a person's Slack id",
        "expected “denied”, found “runs”. It runs at once ((default)).",
        "the rule “with a ticket” was expected to count, and does not.",
        "3 of 3 tests failed.",
    ):
        assert words in answer.output
    assert ask("check", file).exit_code == 1


def test_a_reason_and_a_confirmation_that_nobody_expected_are_told_in_whole_sentences(
    tmp_path: Path,
) -> None:
    rules = TESTED.partition("[[test]]")[0]
    lines = [
        f'[[test]]\nask = "U0CAROL: {line}"\nexpect = "runs"\n'
        for line in ("vm delete x", "vm delete x reason=none", "vm restart x")
    ]
    answer = ask("test", _file(tmp_path, rules + "".join(lines)))
    assert answer.exit_code == 1
    for words in (
        "found “reason”. A reason is needed for this. It needs 2 approvals",
        "found “reason”. The reason must match “^OPS”. It needs 2 approvals",
        "found “confirm”. It needs the requester's confirmation ((default)).",
    ):
        assert words in answer.output


def test_a_test_that_expects_what_there_is_not_is_a_fault_of_the_file(tmp_path: Path) -> None:
    answer = ask("test", _file(tmp_path, TESTED.replace('"runs"', '"works"')))
    assert "line 22: `expect` is one of 'runs', 'confirm'" in answer.output
    assert "has no [[test]]" in ask("test", str(EXAMPLE)).output


def test_check_warns_where_nobody_approves_what_destroys(tmp_path: Path) -> None:
    loose = ask("check", _file(tmp_path, "[defaults]\ndestroy = {}\n"))
    assert loose.exit_code == 0
    assert "Warning: Nobody has to approve" in loose.output
    assert "“vm delete”" in loose.output
    ruled = '[[rule]]\nname = "a"\nmatch = { effect = "destroy" }\napprovals = 1\n'
    for text in (f"[defaults]\ndestroy = {{}}\n{ruled}", "[defaults]\n"):
        assert "has to approve" not in ask("check", _file(tmp_path, text)).output


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[breaker]\nwithin = "1h"\n', "line 2: `within` counts for nothing without `destroys`"),
        (f"a = {'[' * 5000}", "cannot be read: its brackets are nested too deeply."),
        (f"a = {'1' * 5000}", "cannot be read: it has a number that is too long."),
    ],
)
def test_check_says_in_its_own_words_what_is_wrong(tmp_path: Path, text: str, fault: str) -> None:
    answer = ask("check", _file(tmp_path, text))
    assert answer.exit_code == 1
    assert fault in answer.output
