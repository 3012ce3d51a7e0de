"""The generated files: all are written in one go, and whatever is lacking is told together."""

import shutil
from pathlib import Path

from bot.cli.generated import ROOT, Generated
from bot.language.table import Command, Group, Table
from bot.reply import DIRECTORIES


async def _look(ctx: object) -> None:
    """Look at something new."""


TABLE = Table((Group("g", "G", (Command("look", _look, example="g look"),)),))


def _sources(tmp_path: Path) -> Path:
    for directory in DIRECTORIES.values():
        po = Path("bot") / "locale" / directory / "LC_MESSAGES" / "bot.po"
        (tmp_path / po).parent.mkdir(parents=True)
        shutil.copy(ROOT / po, tmp_path / po)
    (tmp_path / "bot" / "new.py").write_text('TOLD = say("Something new.")\n')
    return tmp_path


def test_everything_is_written_although_something_is_lacking(tmp_path: Path) -> None:
    root = _sources(tmp_path)
    told = "\n".join(Generated(root, TABLE).brought_up_to_date())
    assert "These were added to bot/locale/zh_CN/LC_MESSAGES/bot.po" in told
    assert "'Something new.'" in told
    assert "There is no Chinese word for g.look" in told
    assert "g look" in (root / "docs" / "commands.md").read_text(encoding="utf-8")
    assert (root / "docs" / "zh" / "commands.md").exists()
    assert (root / "manifest.json").exists()


def test_a_check_tells_all_that_is_not_current_and_writes_nothing(tmp_path: Path) -> None:
    root = _sources(tmp_path)
    told = "\n".join(Generated(root, TABLE, is_check=True).brought_up_to_date())
    for file in ("bot/locale/bot.pot", "docs/commands.md", "docs/zh/commands.md", "manifest.json"):
        assert f"{file} is not current" in told
        assert not (root / file).exists()
