"""Words in a column of text are read as they were written."""

from bot.reply import keep, kept, plain, say


def test_what_parts_the_column_cuts_no_sentence_short() -> None:
    told = say("The node answered: “{answer}”.", answer="bad\x1fname, as told")
    assert plain(kept(keep(told))) == "The node answered: “badname, as told”."
    assert keep(told).partition("\x1f")[0] == "The node answered: “badname, as told”."
    assert kept(keep("bad\x1fname")) == "badname"
