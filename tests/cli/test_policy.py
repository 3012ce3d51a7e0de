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


def test_the_example_says_the_defaults_as_they_are() -> None:
    assert read_policy(EXAMPLE).defaults == read_policy(None).defaults


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
