"""The kind of an argument that is a list of ports, as people write them. Pure."""

import re
from dataclasses import dataclass

from bot.folding import narrow
from bot.language.kind import Arg
from bot.language.kinds import ListKind
from bot.reply import FieldKind

_BEHIND = re.compile(r"(?<![\w,:-])(\d[\d:-]*)\s*/\s*(tcp|udp)\b")  # 8080/tcp
_BEFORE = re.compile(r"\b(tcp|udp)\s*[\s:/]\s*(?=\d)")  # `tcp 8080`, `tcp:8080`


@dataclass(frozen=True, slots=True, eq=False)
class _Ports(ListKind):
    """Ports as DBC has them, `tcp,8080`, wherever their protocol was written."""

    def read(self, arg: Arg, name: str, text: str) -> tuple[str, ...]:
        ports = _BEHIND.sub(r"\2,\1", narrow(text).lower())
        return ListKind.read(self, arg, name, _BEFORE.sub(r"\1,", ports))


PORTS = _Ports("ports", FieldKind.LINES, is_list=True)
