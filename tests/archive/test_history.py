"""Past alerts, looked up in either database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from monitor.archive.database import begin
from monitor.archive.history import count_articles, find_alerts, latest_alerts, ledger
from monitor.coverage import Record
from monitor.errors import ArchiveUnavailable
from monitor.model import content_id

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def alert(name, minutes=0, watchlist="w"):
    identity = content_id(name)
    return {
        "id": identity,
        "watchlist": watchlist,
        "priority": "high",
        "detected_at": (NOW + timedelta(minutes=minutes)).isoformat(),
        "article": {"id": identity},
        "story": {"id": identity},
    }


def test_an_alert_is_found_by_the_beginning_of_its_id(engine, writer):
    alerts = [alert(str(number)) for number in range(40)]
    assert writer.write([Record(alert=each) for each in alerts]) == []
    for wanted in alerts:
        assert find_alerts(engine, wanted["id"][:12], most=2) == [wanted]
        assert find_alerts(engine, wanted["id"], most=2) == [wanted]
    assert len(find_alerts(engine, "", most=2)) == 2
    for nobody in ("nonsense", "%", "_", "g", alerts[0]["id"] + "0"):
        assert find_alerts(engine, nobody, most=2) == []


def test_the_latest_alerts_come_first_and_are_narrowed(engine, writer):
    alerts = [alert("a"), alert("b", 1, "v"), alert("c", 2)]
    assert writer.write([Record(alert=each) for each in alerts]) == []
    a, b, c = alerts
    assert list(latest_alerts(engine)) == [c, b, a]
    assert list(latest_alerts(engine, limit=1)) == [c]
    assert list(latest_alerts(engine, watchlists=["w"])) == [c, a]
    assert list(latest_alerts(engine, since=NOW + timedelta(minutes=1))) == [c, b]


def test_a_database_that_fails_is_told_from_an_error_of_ours(engine):
    with begin(engine) as connection:
        for table in ("alerts", "deliveries", "articles"):
            connection.execute(text(f"DROP TABLE {table}"))
    for ask in (
        count_articles,
        lambda engine: list(latest_alerts(engine)),
        lambda engine: find_alerts(engine, "a", most=2),
        lambda engine: ledger(engine, "a"),
    ):
        with pytest.raises(ArchiveUnavailable):
            ask(engine)
