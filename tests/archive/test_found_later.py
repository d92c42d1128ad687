"""Matches that were found later are listed, in both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.archive.browse import AlertFilter
from monitor.archive.database import begin
from monitor.archive.found_later import count_later, later_page, later_watchlists
from monitor.archive.later import mark_later
from monitor.model import content_id

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def found(engine, writer, publication):
    """Seven articles, of which four were found later; two watchlists found each of these."""
    records = [publication(f"n{number}", "Words.", NOW - number // 2 * HOUR) for number in range(7)]
    assert writer.write(records) == []
    for name in ("grain", "wheat"):
        mark_later(engine, name, [content_id(f"n{number}") for number in (1, 2, 4, 5)])
    return {content_id(f"n{number}"): f"n{number}" for number in range(7)}


def test_each_article_is_listed_once_with_its_watchlists_and_newest_first(engine, found):
    listed = later_page(engine, AlertFilter()).articles
    assert found[listed[0].id] == "n1"
    assert {found[each.id] for each in listed} == {"n1", "n2", "n4", "n5"}
    assert {each.watchlists for each in listed} == {("grain", "wheat")}
    assert [each.found_at for each in listed] == [NOW - hours * HOUR for hours in (0, 1, 2, 2)]
    assert count_later(engine, AlertFilter()) == 4
    assert count_later(engine, AlertFilter(until=NOW, since=NOW - HOUR, watchlists=("wheat",))) == 1
    assert count_later(engine, AlertFilter(watchlists=("none",))) == 0
    assert later_watchlists(engine, listed[0].id) == ("grain", "wheat")
    assert later_watchlists(engine, content_id("n0")) == ()


def test_pages_hold_each_once(engine, found):
    seen, after = [], None
    while True:
        listed = later_page(engine, AlertFilter(), after=after, limit=1)
        seen += [found[each.id] for each in listed.articles]
        after = listed.older
        if after is None:
            break
    assert sorted(seen) == ["n1", "n2", "n4", "n5"]


def test_a_page_is_read_from_the_index_of_later_matches(engine, found):
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL reads so small a table whole")
    ran = []
    with begin(engine) as connection:
        connection.connection.driver_connection.set_trace_callback(ran.append)
    count_later(engine, AlertFilter(since=NOW - HOUR))
    later_page(engine, AlertFilter(since=NOW - HOUR))
    statements = [each for each in ran if "matched_at >=" in each]
    assert len(statements) == 2
    for statement in statements:
        with begin(engine) as connection:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
        assert any("matches_later" in step[3] for step in steps), (statement, steps)
