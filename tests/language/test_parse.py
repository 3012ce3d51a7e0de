"""One parser for everything a person may type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.rows import command_table
from bot.errors import Refused
from bot.language.args import NODE_OPTION
from bot.language.parse import HelpWanted, NotUnderstood, Parsed, parse
from bot.language.table import Command
from bot.language.text import clean, quoted, words
from bot.language.unclear import Surplus

TABLE = command_table()


def parsed(text: str) -> tuple[str, dict[str, str]]:
    found = parse(TABLE, text)
    assert isinstance(found, Parsed), found
    return found.command.id, found.values


@pytest.mark.parametrize(
    "flag", ["force", "--force", "-force", "—force", "–force", "force=true", "--force=yes", "FORCE"]
)
def test_a_flag_may_be_spelled_in_any_way(flag: str) -> None:
    command, values = parsed(f"vm restart 7a9Q {flag}")
    assert command == "vm.restart"
    assert values["vm"] == "7a9Q"
    assert TABLE[command].parameters[1].arg.read("force", values["force"]) is True


def test_force_that_is_switched_off_is_off() -> None:
    _, values = parsed("vm restart 7a9Q force=false")
    assert TABLE["vm.restart"].effect_of(values) < TABLE["vm.restart"].effect_of({"force": "true"})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("vm logs 7a9Q", {"vm": "7a9Q"}),
        ("vm logs 7a9Q 20", {"vm": "7a9Q", "lines": "20"}),
        ("vm logs 7a9Q head 20", {"vm": "7a9Q", "end": "head", "lines": "20"}),
        ("vm logs 20 20", {"vm": "20", "lines": "20"}),
        ("vm logs 7a9Q lines=5 end=head", {"vm": "7a9Q", "lines": "5", "end": "head"}),
        ("vm logs 7a9Q --lines 5", {"vm": "7a9Q", "lines": "5"}),
        ("vm logs 7a9Q on gpu1", {"vm": "7a9Q", NODE_OPTION: "gpu1"}),
        ("vm logs\u00a07a9Q\u00a020", {"vm": "7a9Q", "lines": "20"}),
        ("vm logs “my box” ２０", {"vm": "my box", "lines": "20"}),
        ("vm logs <http://gpu.example|gpu.example>", {"vm": "gpu.example"}),
        ("/dbc vm logs 7a9Q", {"vm": "7a9Q"}),
        ("VM Logs 7a9Q", {"vm": "7a9Q"}),
        ("vm logs a&amp;b", {"vm": "a&b"}),
    ],
)
def test_words_mean_what_the_person_meant(text: str, values: dict[str, str]) -> None:
    assert parsed(text)[1] == values


def test_on_names_the_node_where_the_command_takes_one() -> None:
    _, values = parsed("vm create name=t image=a.qcow2 on gpu1")
    assert values == {"name": "t", "image": "a.qcow2", "node": "gpu1"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("vm restart 7a9Q forec", "forec"),
        ("vm restart 7a9Q --now", "--now"),
        ("vm logs 7a9Q 0", "between 1 and 100"),
        ("vm logs 7a9Q 101", "between 1 and 100"),
        ("vm logs 7a9Q lines=many", "whole number"),
        ("vm logs 7a9Q end=middle", "tail or head"),
        ("vm logs 7a9Q 20 lines=30", "20"),
        ("vm passwd 7a9Q password=hunter2", "only in the form"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_that_names_it(text: str, names: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(TABLE, text)
    assert names in refused.value.sentence


@pytest.mark.parametrize("line", ["r = vm logs $1 --lines 5", "r=vm logs $1 --lines 5"])
def test_a_line_in_a_line_is_taken_as_it_stands(line: str) -> None:
    command, values = parsed(f"alias add {line}")
    assert command == "alias.add"
    assert values["alias"] == "r"
    assert values["body"].removeprefix("= ") == "vm logs $1 --lines 5"


@pytest.mark.parametrize("word", ["每日汇总", "摘要", "日报"])
def test_each_word_for_the_digest_chooses_it(word: str) -> None:
    assert parsed(f"设置 通知 {word}") == ("settings.notifications", {"notifications": "digest"})


def test_a_typed_secret_is_not_repeated() -> None:
    with pytest.raises(Refused) as refused:
        parse(TABLE, "session add gpu1 session_id=s3cr3t session_id_sign=ab12")
    assert "s3cr3t" not in f"{refused.value.sentence}{refused.value.hint}"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("会话 申请 gpu1 的权限", "If you just typed one, treat it"),
        ("session request gpu1 nonce=s3cr3t", "Treat the one you just typed"),
    ],
)
def test_a_word_too_many_is_not_said_to_be_a_secret(line: str, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(TABLE, line)
    assert str(refused.value.hint).startswith(hint)


@pytest.mark.parametrize(
    "option", ["password=s3cr3t", "--password=s3cr3t", "password=“s3 cr3t”", "my-password=s3cr3t"]
)
def test_an_unknown_option_is_named_without_its_value(option: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(TABLE, f"vm show 7a9Q {option}")
    told = f"{refused.value.sentence}{refused.value.hint}"
    assert "password" in told
    assert "cr3t" not in told


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("vm lst", "vm list"), ("vm restrat 7a9Q", "vm restart"), ("restrat 7a9Q", "vm restart")],
)
def test_a_typo_is_answered_with_the_nearest_command(typo: str, meant: str) -> None:
    found = parse(TABLE, typo)
    assert isinstance(found, NotUnderstood)
    assert meant in [command.title for command in found.nearest]


@pytest.mark.parametrize(
    ("text", "group", "command"),
    [
        ("", "", None),
        ("help", "", None),
        ("vm", "vm", None),
        ("vm help", "vm", None),
        ("help vm", "vm", None),
        ("vm restart help", "", "vm.restart"),
        ("help vm restart", "", "vm.restart"),
        ("vm restart --help", "", "vm.restart"),
        ("vm list --json help", "", "vm.list"),
    ],
)
def test_help_is_found_wherever_it_is_asked(text: str, group: str, command: str | None) -> None:
    found = parse(TABLE, text)
    assert isinstance(found, HelpWanted)
    assert found.group == group
    assert (found.command.id if found.command else None) == command


def is_understood_or_refused(text: str) -> bool:
    """Whether a text is read as one of the three, or refused in words."""
    try:
        return isinstance(parse(TABLE, text), Parsed | HelpWanted | NotUnderstood)
    except Refused as refusal:
        return refusal.sentence.endswith((".", "?", "!"))


@given(st.text())
def test_any_text_gives_a_parse_or_a_sentence(text: str) -> None:
    assert is_understood_or_refused(text)


_FRAGMENTS = st.sampled_from(
    [w for c in TABLE for w in (c.title, *(p.name for p in c.parameters))]
    + ["=", '"', "'", "--", "—", "on", "force", "<@U1|x>", "<", ">", "20", "help", " "]
)


@given(st.lists(_FRAGMENTS).map(" ".join))
def test_any_mixture_of_our_own_words_gives_a_parse_or_a_sentence(text: str) -> None:
    assert is_understood_or_refused(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('vm delete 7a9Q reason="too old"', {"vm": "7a9Q", "reason": "too old"}),
        ("vm delete 7a9Q --reason “too old”", {"vm": "7a9Q", "reason": "too old"}),
        ("vm delete 7a9Q --break-glass 'all down'", {"vm": "7a9Q", "break_glass": "all down"}),
        ("vm delete 7a9Q —dry-run", {"vm": "7a9Q", "dry_run": "true"}),
        ("vm delete 7a9Q ——dry-run", {"vm": "7a9Q", "dry_run": "true"}),
        ("vm delete 7a9Q dry_run=yes", {"vm": "7a9Q", "dry_run": "true"}),
        ("vm list --filter train --json", {"filter": "train", "json": "true"}),
        ("vm list filter=train -file", {"filter": "train", "file": "true"}),
        ("vm show file", {"vm": "file"}),
        ("vm show 7a9Q --on gpu1", {"vm": "7a9Q", "on": "gpu1"}),
        ("vm show 7a9Q on=gpu1", {"vm": "7a9Q", "on": "gpu1"}),
    ],
)
def test_every_fitting_command_takes_everyones_options(text: str, values: dict[str, str]) -> None:
    assert parsed(text)[1] == values


@pytest.mark.parametrize("text", ["vm list --dry-run", "vm delete 7a9Q --json", "vm list reason=x"])
def test_an_option_that_says_nothing_for_a_command_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="so it takes no"):
        parse(TABLE, text)


def delivered(line: str) -> str:
    """A line as Slack delivers what a person types."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_TYPED = st.one_of(
    st.text(), st.text(alphabet="ab1 \"'“”‘’「」＂＇=-—–　，、。：＝<>&|@#$*\\\u00a0")
)


@given(st.sampled_from([c for c in TABLE if c.id != "help"]), st.data())
def test_a_parsed_command_that_is_written_down_means_the_same(
    command: Command, data: st.DataObject
) -> None:
    names = [p.name for p in command.parameters] + ["on", "reason", "filter", "dry_run"]
    chosen = data.draw(st.dictionaries(st.sampled_from(names), _TYPED, max_size=4))
    bare = data.draw(st.lists(_TYPED, max_size=2))
    words = [quoted(text) for text in bare] + [f"{n}={quoted(v)}" for n, v in chosen.items()]
    try:
        first = parse(TABLE, delivered(f"{command.title} {' '.join(words)}"))
    except Refused:
        return
    if isinstance(first, Parsed):
        assert parse(TABLE, delivered(first.render())) == first


@given(_TYPED)
def test_a_quoted_text_is_one_word(text: str) -> None:
    meant = clean(delivered(text))
    assert words(clean(delivered(quoted(meant)))) == [meant]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("vm　logs　7a9Q　２０", {"vm": "7a9Q", "lines": "20"}),
        ("vm logs “7a9Q” lines＝２０", {"vm": "7a9Q", "lines": "20"}),
        ("vm logs ‘my box’ ——lines 20", {"vm": "my box", "lines": "20"}),
        ("vm logs 「my box」 end＝head", {"vm": "my box", "end": "head"}),
        ("vm logs «my box»", {"vm": "my box"}),
        ("ＶＭ ｌｏｇｓ ７ａ９Ｑ", {"vm": "７ａ９Ｑ"}),
        ("vm logs <mailto:a@b.cn|a@b.cn>", {"vm": "a@b.cn"}),
        ("vm logs <https://x.cn/a?b=1&amp;c=2>", {"vm": "https://x.cn/a?b=1&c=2"}),
        ("vm list。", {}),
        ("vm list，", {}),
    ],
)
def test_chinese_punctuation_and_width_do_not_matter(text: str, values: dict[str, str]) -> None:
    assert parsed(text)[1] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("disk add 7a9Q 50", {"vm": "7a9Q", "size": "50"}),
        ("disk add 7a9Q 50G", {"vm": "7a9Q", "size": "50"}),
        ("disk add 7a9Q 50gb", {"vm": "7a9Q", "size": "50"}),
        ("disk add 7a9Q 50 GiB", {"vm": "7a9Q", "size": "50"}),
        ("disk add 7a9Q 1T", {"vm": "7a9Q", "size": "1024"}),
        ("disk add 7a9Q 2048M", {"vm": "7a9Q", "size": "2"}),
        ("disk resize 7a9Q vdb +50", {"vm": "7a9Q", "disk": "vdb", "by": "50"}),
        ("disk resize 7a9Q vdb ＋１．５ ＴＢ", {"vm": "7a9Q", "disk": "vdb", "by": "1536"}),
        ("vm modify 7a9Q mem=64 GB", {"vm": "7a9Q", "mem": "64"}),
        ("vm modify 7a9Q ——mem 64gib", {"vm": "7a9Q", "mem": "64"}),
        (
            "vm create name=t image=a.qcow2 disk=“1 T”",
            {"name": "t", "image": "a.qcow2", "disk": "1024"},
        ),
    ],
)
def test_a_size_may_have_a_unit_and_is_written_down_without(
    text: str, values: dict[str, str]
) -> None:
    assert parsed(text)[1] == values


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("disk add 7a9Q 50kg", "the unit “kg”"),
        ("disk add 7a9Q 512M", "“512M” is 0.5 GiB"),
        ("disk add 7a9Q +50", "not how much to add"),
        ("disk add 7a9Q -50", "whole number of GiB"),
        ("disk add 7a9Q 0", "must be between 1"),
        ("disk resize 7a9Q vdb -50", "A disk can only grow"),
        ("vm modify 7a9Q mem=lots", "whole number of GiB, not “lots”"),
    ],
)
def test_what_is_no_size_is_refused_with_a_sentence(text: str, names: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(TABLE, text)
    assert names in refused.value.sentence


_WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
_UNITS = st.sampled_from(
    ["", "G", "g", "GB", "gib", " GiB", "\u00a0GB", "\u3000G", "T", "tb", " TiB"]
)


@given(
    st.integers(1, 900), _UNITS, st.booleans(), st.sampled_from(["{}", "“{}”", "「{}」", "‘{}’"])
)
def test_a_size_means_the_same_in_every_spelling(
    number: int, unit: str, wide: bool, quotes: str
) -> None:
    size = f"{number}{unit}"
    typed = quotes.format(size.translate(_WIDE) if wide else size)
    meant = number * (1024 if "t" in unit.lower() else 1)
    for line in (f"disk add 7a9Q {typed}", f"disk add 7a9Q size={typed}"):
        found = parse(TABLE, delivered(line))
        assert isinstance(found, Parsed)
        assert found.values == {"vm": "7a9Q", "size": str(meant)}
        assert parse(TABLE, found.render()) == found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('vm show "Ada\'s training run"', "Ada's training run"),
        ("vm show “Ada’s training run”", "Ada’s training run"),
        ("vm show 'Ada's training run'", "Ada's training run"),
        ("vm show ‘Ada’s training run’", "Ada’s training run"),
        ("vm show Ada's", "Ada's"),
        ("vm show 'the boss's cat's box'", "the boss's cat's box"),
    ],
)
def test_an_apostrophe_is_no_quote(text: str, name: str) -> None:
    assert parsed(text)[1] == {"vm": name}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("vm logs head 20", {"end": "head", "lines": "20"}),
        ("vm logs tail", {"end": "tail"}),
        ("vm logs head 20 7a9Q", {"vm": "7a9Q", "end": "head", "lines": "20"}),
        ("vm logs head 7a9Q 20", {"vm": "7a9Q", "end": "head", "lines": "20"}),
        ("vm logs head tail 20", {"vm": "head", "end": "tail", "lines": "20"}),
        ("vm logs machine=head 20", {"vm": "head", "lines": "20"}),
        ("metal boot disk disk", {"device": "disk", "machine": "disk"}),
    ],
)
def test_a_line_that_begins_with_a_choice_has_left_out_the_name(
    text: str, values: dict[str, str]
) -> None:
    assert parsed(text)[1] == values


def test_a_word_too_many_is_named() -> None:
    with pytest.raises(Surplus, match="“training” means") as surplus:
        parse(TABLE, "vm delete Ada’s training run reason=old")
    assert surplus.value.bare == ("Ada’s", "training", "run")
    assert surplus.value.values == {"reason": "old"}


@pytest.mark.parametrize("line", ["help vm restart --json", "help --json"])
def test_help_can_be_had_in_json(line: str) -> None:
    assert parsed(line)[0] == "help"


@pytest.mark.parametrize(("layers", "is_understood"), [(1, True), (5, True), (1000, False)])
def test_formatting_is_taken_off_a_few_times_and_not_thousands(
    layers: int, is_understood: bool
) -> None:
    found = parse(TABLE, "`_" * layers + "vm list" + "_`" * layers)
    assert isinstance(found, Parsed) is is_understood
