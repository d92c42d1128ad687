"""Pages count a year of alerts and matches without reading rows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from monitor.archive.activity import alert_lag
from monitor.archive.browse import count_alerts
from monitor.archive.muted import muted_articles
from monitor.archive.volumes import (
    Buckets,
    alert_sources,
    alert_volumes,
    largest_stories,
    match_origins,
    match_volumes,
    origin_volumes,
)

YEAR = timedelta(days=364)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
BUCKETS = Buckets(NOW - YEAR, timedelta(days=7), 52)
COUNTS = {
    "alerts": lambda engine: count_alerts(engine, NOW - YEAR, NOW),
    "volumes": lambda engine: alert_volumes(engine, BUCKETS),
    "sources": lambda engine: alert_sources(engine, BUCKETS, ["a"]),
    "matches": lambda engine: match_volumes(engine, BUCKETS),
    "origins over time": lambda engine: origin_volumes(engine, BUCKETS, "source", []),
    "origins": lambda engine: match_origins(engine, BUCKETS, ["a"]),
    "stories": lambda engine: largest_stories(engine, NOW - YEAR, NOW, []),
}


FEW = {
    "the lag of the last alerts": lambda engine: alert_lag(engine, NOW - timedelta(days=1)),
    "muted articles": lambda engine: muted_articles(engine, NOW - YEAR, NOW),
}


@pytest.fixture
def plans(engine):
    """Return how SQLite answers the statements of a function: for each, the statement and steps."""

    def plans_of(read):
        asked = []

        def note(_connection, _cursor, statement, parameters, *_):
            asked.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", note)
        read(engine)
        event.remove(engine, "before_cursor_execute", note)
        with engine.connect() as connection:
            return [
                (
                    statement,
                    [
                        step[3]
                        for step in connection.exec_driver_sql(
                            f"EXPLAIN QUERY PLAN {statement}", parameters
                        )
                    ],
                )
                for statement, parameters in asked
                if statement.startswith("SELECT")
            ]

    return plans_of


@pytest.mark.parametrize("archive_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("read", FEW.values(), ids=FEW)
def test_for_a_few_alerts_or_matches_not_all_articles_are_read(plans, read):
    # The oldest article is one entry of an index.
    oldest = "SEARCH articles USING COVERING INDEX articles_found_at"
    for _, steps in plans(read):
        of_articles = [step for step in steps if " articles " in step and step != oldest]
        assert of_articles
        assert [step for step in of_articles if "(id=?)" not in step or "BLOOM" in step] == []


@pytest.mark.parametrize("archive_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_a_year_is_counted_by_indexes_alone(plans, count):
    """A row of an article has its text behind it: a year of rows takes seconds to read."""
    # Those with marks read the rows of alerts that have one; a story's title is that of one row.
    counting = [
        steps
        for statement, steps in plans(count)
        if "count(" in statement and "marks" not in statement
    ]
    assert counting
    for steps in counting:
        of_tables = [
            step
            for step in steps
            if any(f" {name} " in step for name in ("alerts", "articles", "matches"))
        ]
        assert of_tables
        assert [step for step in of_tables if "COVERING INDEX" not in step] == []
