"""Keeps what readers note about alerts: read, starred, relevant or not, with a note.

All readers of one Presswatch share these marks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from monitor.archive.database import begin
from monitor.archive.schema import marks

if TYPE_CHECKING:
    from sqlalchemy import Engine

MAX_NOTE_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class Mark:
    """What readers noted about an alert; `relevant` is None until somebody has said so."""

    read: bool = False
    starred: bool = False
    relevant: bool | None = None
    note: str = ""


UNMARKED = Mark()
_FIELDS = tuple(field.name for field in fields(Mark))


def marks_of(engine: Engine, alert_ids: Collection[str]) -> dict[str, Mark]:
    """Returns the marks of those of these alerts that have any, by their ids."""
    query = select(marks.c.alert, *(marks.c[name] for name in _FIELDS)).where(
        marks.c.alert.in_(alert_ids)
    )
    with begin(engine) as connection:
        return {alert: Mark(*values) for alert, *values in connection.execute(query)}


def change_mark(
    engine: Engine, alert_id: str, change: dict[str, bool | str | None], now: datetime
) -> Mark:
    """Changes the named parts of an alert's mark, and returns all of it.

    Two readers who change different parts at the same time both succeed. Raises ArchiveUnavailable
    if the archive cannot be written.
    """
    unknown = change.keys() - set(_FIELDS)
    if unknown:
        raise ValueError(f"a mark has no {', '.join(sorted(unknown))}")
    values = {"read": False, "starred": False, "relevant": None, "note": ""} | change
    insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    statement = insert(marks).values(alert=alert_id, changed_at=now, **values)
    with begin(engine) as connection:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["alert"], set_={**change, "changed_at": now}
            )
        )
        query = select(*(marks.c[name] for name in _FIELDS)).where(marks.c.alert == alert_id)
        return Mark(*connection.execute(query).one())
