"""Names as people type and paste them: the exact one wins, and never is another one meant."""

import unicodedata
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.commands.rows import command_table
from bot.folding import best, fold, narrow, peel, plain, sound
from bot.folding import typed as as_typed
from bot.ids import NodeId, TaskId, UserId
from bot.language.canonical import known_arguments
from bot.language.parse import Parsed, parse
from bot.language.text import clean, quoted, words
from bot.model import Machine, Node, NodeKind
from bot.reviews.rule_arguments import called as called_argument
from bot.services.matching import is_machine_called, match_machine, match_node
from tests.language.test_parse import delivered

TABLE = command_table()
NOW = datetime(2026, 11, 1, tzinfo=UTC)

# Characters that keyboards, phones and Slack make of others, and that may be in names.
_ODD = "aAbÅåß９Ｇg9-–—－_*`~'’‘\"“”「」.,。，!？ \u3000\u00a0\u200b\u200d\ufe0f\u202e训练é\u0301"
_NAMES = st.text(alphabet=_ODD, min_size=1, max_size=8).filter(lambda name: name.strip() == name)


def machine(desc: str, task: str = "7a9QmX2cVb4nK8pL0sW3", nickname: str = "") -> Machine:
    return Machine(NodeId("node"), TaskId(task), UserId("U1"), desc, "running", "", NOW, nickname)


def machines(*descs: str) -> list[Machine]:
    return [machine(desc, f"{position}zZ9QmX2cVb4nK8pL0sW") for position, desc in enumerate(descs)]


def called(found: list[Machine]) -> list[str]:
    return [one.label for one in found]


def meant(text: str, *descs: str) -> list[str]:
    return called(match_machine(machines(*descs), text, NodeId("")))


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert narrow(narrow(text)) == narrow(text)
    assert peel(peel(text)) == peel(text)


@given(st.one_of(st.text(), st.text(alphabet=_ODD)))
@example("‘0‘")
def test_what_is_typed_as_it_was_written_down_is_the_same(text: str) -> None:
    assert as_typed(as_typed(text)) == as_typed(text)


@given(st.text(alphabet=_ODD))
def test_what_is_peeled_is_never_nothing(text: str) -> None:
    assert bool(peel(text)) == bool(text)


@given(st.lists(_NAMES, min_size=1, max_size=6, unique=True), st.data())
def test_a_name_that_is_typed_exactly_is_the_one_that_is_meant(
    names: list[str], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(names))
    parsed = parse(TABLE, delivered(f"vm show machine={quoted(name)}"))
    assert isinstance(parsed, Parsed)
    assert meant(parsed.values["vm"], *names) == [name]


@given(st.lists(_NAMES, min_size=1, max_size=6, unique=True), st.text(alphabet=_ODD, min_size=1))
@example(["A\u0301"], "A.")
def test_no_other_machine_is_meant_where_one_is_called_so(names: list[str], text: str) -> None:
    found = meant(text, *names)
    exact = [name for name in names if name == text]
    folded = [name for name in names if fold(name) == fold(text) != ""]
    if exact or folded:
        assert found == (exact or folded)
    assert all(
        fold(name).startswith(plain(text)) or plain(name) == plain(text) or name.startswith(text)
        for name in found
    )


@pytest.mark.parametrize(
    ("name", "start"),
    [("A\u0301b", "A"), ("q\u0303b", "q"), ("q\u0303b", "Q."), ("👍🏽b", "👍"), ("가b", "ᄀ")],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_beginning_is_one_of_whole_characters(
    form: Literal["NFC", "NFD"], name: str, start: str
) -> None:
    known = unicodedata.normalize(form, name)
    assert meant(start, known) == []
    assert meant(name[:-1], known) == [known]


@given(
    st.lists(_NAMES, min_size=1, max_size=5, unique=True),
    st.data(),
    st.sampled_from(
        ["*{}*", "`{}`", "_{}_", "> {}", "“{}”", "「{}」", "<{}>", "{}.", "{}，", "```{}```"]
    ),
)  # fmt: skip
def test_a_name_pasted_with_what_stands_around_it_is_found_or_listed(
    names: list[str], data: st.DataObject, around: str
) -> None:
    name = data.draw(st.sampled_from(names))
    pasted = around.format(name)
    found = meant(pasted, *names)
    is_anothers = pasted in names or fold(pasted) in map(fold, names)
    is_word = any(char.isalnum() for char in name) and peel(name) == name
    if is_word and not is_anothers:
        assert name in found
        others = [other for other in names if other != name]
        if not any(plain(other).startswith(plain(name)) for other in others):
            assert called(match_machine(machines(name, *others), pasted, NodeId("")))[0] == name


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("ＧＰＵ－９", ("GPU-9", "ＧＰＵ－９"), ["ＧＰＵ－９"]),
        ("GPU-9", ("GPU-9", "ＧＰＵ－９"), ["GPU-9"]),
        ("gpu–9", ("GPU-9", "ＧＰＵ－９"), ["GPU-9", "ＧＰＵ－９"]),
        ("Ada’s box", ("Ada's box",), ["Ada's box"]),
        ("train-1.", ("train-1", "train-10"), ["train-1"]),
        ("train-1.", ("train-1", "train-1.5"), ["train-1", "train-1.5"]),
        ("train-1.", ("train-1", "train-1."), ["train-1."]),
        ("*inference*", ("inference", "inference-2"), ["inference"]),
        ("*inference*", ("inference", "*inference*"), ["*inference*"]),
        ("`inf`", ("inference", "other"), ["inference"]),
        ("&gt; inference", ("inference",), ["inference"]),
        ("`ＧＰＵ－９`", ("GPU-9", "ＧＰＵ－９"), ["ＧＰＵ－９"]),
        ("> inference", ("inference",), ["inference"]),
        ("“prod”", ("prod", "“prod”"), ["“prod”"]),
        ("prod", ("“prod”",), ["“prod”"]),
        ("𝗽𝗿𝗼𝗱", ("prod",), ["prod"]),
        ("\u202eprod\u200b", ("prod",), ["prod"]),
        ("❤️ box", ("❤ box",), ["❤ box"]),
        ("1ZZ9", ("a", "b"), ["b"]),
        ("train", ("train-1", "TRAIN"), ["TRAIN"]),
        ("*", ("a", "b"), []),
    ],
)
def test_what_a_text_means_of_these(text: str, names: tuple[str, ...], found: list[str]) -> None:
    assert meant(text, *names) == found


def test_an_id_is_nobody_elses_name() -> None:
    id_ = "7a9QmX2cVb4nK8pL0sW3"
    squatter = machine(id_, "8b9QmX2cVb4nK8pL0sW3")
    assert match_machine([squatter, machine("prod", id_)], id_, NodeId("")) == [
        machine("prod", id_)
    ]


def test_two_machines_that_read_alike_are_both_meant() -> None:
    named, described = machine("x", nickname="prod"), machine("prod", "8b9QmX2cVb4nK8pL0sW3")
    assert match_machine([named, described], "prod", NodeId("")) == [named, described]
    renamed = machine("prod", "8b9QmX2cVb4nK8pL0sW3", nickname="other")
    assert match_machine([named, renamed], "prod", NodeId("")) == [named]


def test_nodes_are_found_alike() -> None:
    wide, narrow_one = (
        Node(NodeId("a" * 64), "ＧＰＵ１", "", NOW),
        Node(NodeId("b" * 64), "gpu1", "", NOW),
    )
    metal = Node(NodeId("c" * 64), "all", "", NOW, kind=NodeKind.METAL, desc="slot-1", uuid="u-1")
    nodes = [wide, narrow_one, metal]
    assert match_node(nodes, "ＧＰＵ１") == [wide]
    assert match_node(nodes, "GPU1") == [wide, narrow_one]
    assert match_node(nodes, "slot–1。") == [metal]
    assert match_node(nodes, f"`{'B' * 64}`") == [narrow_one]


def test_several_that_fold_alike_are_all_told() -> None:
    assert best("HUB", ["hub", "Hub", "other"]) == ["hub", "Hub"]
    assert best("hub", ["hub", "Hub"]) == ["hub"]


@pytest.mark.parametrize(
    "line",
    [
        "`/dbc vm restart inference force`",
        "```\n/dbc vm restart inference force\n```",
        "> /dbc vm restart inference force",
        "> `/dbc vm restart inference force`",
        "*/dbc vm restart inference force*",
        "“/dbc vm restart inference force”",
        "• `/dbc vm restart inference force`",
        "`/dbc vm restart` inference force.",
        "／ｄｂｃ ｖｍ　ｒｅｓｔａｒｔ inference —force",
        "_vm restart_ inference `force`",
        "vm\u200b restart\ufeff inference ＦＯＲＣＥ！",
        "@dbc，vm restart。 inference ――force，",
    ],
)
def test_a_command_pasted_from_a_message_is_the_command(line: str) -> None:
    text = delivered(line).removeprefix("@dbc")
    found = parse(TABLE, text)
    assert isinstance(found, Parsed)
    assert (found.command.id, found.values) == ("vm.restart", {"vm": "inference", "force": "true"})


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("disk add x ８Ｇ", {"vm": "x", "size": "8"}),
        ("disk add x “８ ＧｉＢ”。", {"vm": "x", "size": "8"}),
        ("vm logs x ｔａｉｌ ２０，", {"vm": "x", "end": "tail", "lines": "20"}),
        ("vm modify x ports＝tcp，8080", {"vm": "x", "ports": "tcp,8080"}),
        (
            "vm modify x ports=“udp,6000–6010；tcp， 8080”",
            {"vm": "x", "ports": "udp,6000-6010 tcp,8080"},
        ),
        ("vm modify x ssh=`５６８４`", {"vm": "x", "ssh": "5684"}),
        ("vm modify x public_ip＝203．0．113．9", {"vm": "x", "public_ip": "203.0.113.9"}),
        ("image delete ｕ。ｑｃｏｗ２ on gpu1", {"image": "u.qcow2", "node": "gpu1"}),
        ("disk delete x ＶＤＢ", {"vm": "x", "disk": "vdb"}),
        ("lan create net042 cidr=`10．1．2．0／24`", {"name": "net042", "cidr": "10.1.2.0/24"}),
        ("vm name x ｔｒａｉｎ－０１", {"vm": "x", "nickname": "train-01"}),
    ],
)  # fmt: skip
def test_values_are_read_whatever_they_are_typed_with(line: str, values: dict[str, str]) -> None:
    found = parse(TABLE, line)
    assert isinstance(found, Parsed)
    assert found.values == values


def test_a_free_text_keeps_its_own_characters() -> None:
    found = parse(TABLE, "vm delete ＧＰＵ－９ reason=“Ada’s run，太旧了”")
    assert isinstance(found, Parsed)
    assert found.values == {"vm": "ＧＰＵ－９", "reason": "Ada’s run，太旧了"}


def test_quotes_that_may_belong_to_a_name_are_remembered() -> None:
    found = parse(TABLE, "vm show “prod”")
    assert isinstance(found, Parsed)
    assert (found.values, found.spelled) == ({"vm": "prod"}, {"vm": "“prod”"})


@given(_NAMES)
def test_a_word_keeps_its_own_characters(name: str) -> None:
    assert words(clean(delivered(quoted(name)))) == [name]


@given(st.text(st.characters()))
def test_text_from_outside_can_be_stored_and_shown(text: str) -> None:
    kept = sound(text)
    kept.encode()
    assert sound(kept) == kept
    assert not {"\0", "\x1b", "\u202e", "\u2066"} & set(kept)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("prod\ud800", "prod\ufffd"),
        ("pr\0od\x07", "prod"),
        ("\u202egpj.prod\u202c", "gpj.prod"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("two\nlines\tand ’quotes’ 👨\u200d👩", "two\nlines\tand ’quotes’ 👨\u200d👩"),
    ],
)
def test_what_cannot_be_shown_is_left_out_or_marked(text: str, kept: str) -> None:
    assert sound(text) == kept


@pytest.mark.parametrize(
    ("command", "argument", "wanted", "given"),
    [
        ("vm.create", "name", "Ada's box", "ＡＤＡ’ｓ\u3000box\u200b"),
        ("vm.create", "mem", 64, "６４Ｇ"),
        ("vm.create", "ports", "tcp,8080", "udp,1 ＴＣＰ，8080"),
        ("vm.restart", "force", True, "ｔｒｕｅ"),
        ("image.delete", "image", "u.qcow2", "`ｕ．ＱＣＯＷ２`"),
    ],
)
def test_a_rule_holds_however_an_argument_is_written(
    command: str, argument: str, wanted: str | bool | int, given: str
) -> None:
    known = called_argument(argument, known_arguments(TABLE)[command].arguments)
    assert known is not None
    assert known.holds(given, wanted)


@pytest.mark.parametrize("typed", ["R", "ｒ", "`r`", "r。"])
def test_an_alias_is_found_however_it_is_typed(typed: str) -> None:
    found = parse(TABLE, f"{typed} x", aliases={"r": "vm restart $1"})
    assert isinstance(found, Parsed)
    assert (found.command.id, found.values) == ("vm.restart", {"vm": "x"})


def test_no_character_of_its_own_reads_as_another_name() -> None:
    others = [
        char
        for char in map(chr, range(0x110000))
        if unicodedata.decomposition(char).startswith(
            ("<super>", "<sub>", "<circle>", "<fraction>", "<square>")
        )
    ]
    alike = [
        char
        for char in others
        if fold(f"a{char}") == fold(f"a{unicodedata.normalize('NFKC', char)}")
    ]
    assert alike == []


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("train²", "train2"),
        ("10²", "102"),
        ("①", "1"),
        ("x₂", "x2"),
        ("½", "1/2"),
        ("run-Ⅳ", "run-IV"),
        ("㎏", "kg"),
        ("box™", "boxTM"),
    ],
)
def test_a_name_with_a_sign_of_its_own_is_not_the_name_without(text: str, other: str) -> None:
    assert meant(text, other) == []
    assert meant(other, text) == []
    assert meant(text, text, other) == [text]
    assert best(text, [other]) == []


@given(st.lists(_NAMES, min_size=1, max_size=6, unique=True), st.text(min_size=1, max_size=8))
def test_a_machine_is_certain_only_where_it_is_called_exactly_so(
    names: list[str], text: str
) -> None:
    for one in machines(*names):
        assert is_machine_called(one, text) is (
            text in {one.desc, ""} or (one.task.startswith(text) and len(text) >= 8)
        )


@given(st.integers(min_value=8, max_value=20))
def test_as_much_of_an_id_as_is_shown_is_certain(length: int) -> None:
    (one,) = machines("prod")
    assert is_machine_called(one, one.task[:length])
    assert not is_machine_called(one, one.task[:7])
