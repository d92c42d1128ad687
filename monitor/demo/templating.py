"""Fill in the newsroom's pages and feeds: `string.Template`, escaped, with repeated sections.

    <!-- each adverts --><p>$text</p><!-- end adverts -->

repeats what it encloses for every row of `adverts`; a row's values hide those around it.
"""

from __future__ import annotations

import re
from html import escape
from string import Template
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SECTION = re.compile(
    r"[ \t]*<!-- each (?P<name>\w+) -->\n?(?P<inner>.*?)[ \t]*<!-- end (?P=name) -->\n?", re.DOTALL
)

Values: TypeAlias = "Mapping[str, str | int | Sequence[Values]]"


class Markup(str):
    """Text that is markup already, and stands in the page as it is."""

    __slots__ = ()


def fill(template: str, values: Values) -> str:
    """Fill in all of the template's `$names` and sections; raises KeyError for an unknown one.

    The result is HTML as well as XML: `html.escape` uses no entity that XML lacks.
    """
    pieces: list[str] = []
    end = 0
    plain = {
        key: value if isinstance(value, Markup) else escape(str(value))
        for key, value in values.items()
        if isinstance(value, str | int)
    }
    for section in _SECTION.finditer(template):
        pieces.append(Template(template[end : section.start()]).substitute(plain))
        rows = values[section["name"]]
        if isinstance(rows, str | int):
            raise TypeError(f"{section['name']} is no list of rows")
        pieces += (fill(section["inner"], {**values, **row}) for row in rows)
        end = section.end()
    pieces.append(Template(template[end:]).substitute(plain))
    return "".join(pieces)
