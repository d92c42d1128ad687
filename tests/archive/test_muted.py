"""Muted matches, as the archive records and lists them, in either database."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import delete

from monitor.alerts.mutes import Mute
from monitor.archive.backup import backup, restore
from monitor.archive.database import begin, open_archive
from monitor.archive.later import mark_later
from monitor.archive.muted import MutedFilter, count_muted, muted_articles, muted_matches
from monitor.archive.schema import matches
from monitor.archive.writer import Writer
from monitor.coverage import MatchRecord, Record
from monitor.model import content_id

MUTED = MatchRecord("nato", muted=True)


@pytest.fixture
def muted(publication):
    """Make the record of an article whose matches are given."""

    def record(name, *matched, **fields):
        of_article = publication(name, **fields).publication
        return Record(publication=replace(of_article, matches=matched or (MUTED,), alerts=()))

    return record


def titles(page):
    return [each.article.title.rpartition(" ")[2] for each in page.matches]


def test_only_matches_that_a_mute_held_back_are_listed(engine, writer, muted, publication):
    writer.write([muted("held"), muted("counted", MatchRecord("nato")), publication("alerted")])
    found = muted_matches(engine, MutedFilter())
    assert titles(found) == ["held"]
    assert found.matches[0].story == content_id("held")
    assert found.older is None
    assert count_muted(engine, MutedFilter()) == 1


def test_a_match_that_alerted_after_the_mute_is_not_held_back(engine, writer, muted, morning):
    alerted = MatchRecord("nato", alert=content_id("alert"))
    writer.write([muted("held"), muted("held", alerted, at=morning + timedelta(hours=1))])
    assert count_muted(engine, MutedFilter()) == 0


def test_the_order_of_records_makes_no_difference(engine, writer, muted, read):
    plain, held = MatchRecord("nato"), MUTED
    for number, records in enumerate(
        [*permutations([plain, held]), *permutations([held, held]), *permutations([plain, plain])]
    ):
        writer.write([muted(f"article{number}", each) for each in records])
    flags = {row["article"]: row["muted"] for row in read(matches)}
    # What was counted, whenever that was, was not held back.
    assert [flags[content_id(f"article{number}")] for number in range(6)] == [
        False, False, True, True, False, False,
    ]  # fmt: skip


def test_an_article_found_later_can_be_held_back_when_it_is_edited(engine, writer, muted, read):
    writer.write([muted("old", MatchRecord("others"))])
    mark_later(engine, "nato", [content_id("old")])
    writer.write([muted("old")])
    assert titles(muted_matches(engine, MutedFilter())) == ["old"]


def test_pages_list_every_match_once(engine, writer, muted, morning):
    both = (MUTED, MatchRecord("grain", muted=True))
    # All at one moment, so that only the rest of the order keeps them apart.
    writer.write([muted(str(number), *both, at=morning) for number in range(5)])
    seen, after = [], None
    while True:
        page = muted_matches(engine, MutedFilter(), after=after, limit=3)
        seen += [(each.watchlist, each.article.id) for each in page.matches]
        after = page.older
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 10


def test_a_page_may_begin_at_what_no_database_can_store(engine, writer, muted, morning):
    writer.write([muted("held", at=morning)])
    after = (int(morning.timestamp() * 1000), content_id("held"), "nato\0\ud800")
    assert titles(muted_matches(engine, MutedFilter(), after=after)) == ["held"]


def test_matches_are_selected_by_time_watchlist_and_mute(engine, writer, muted, morning):
    day = timedelta(days=1)
    writer.write([
        muted("old", at=morning - day),
        muted("gazette", source="Gazette"),
        muted("herald", MUTED, MatchRecord("grain", muted=True), at=morning + day),
    ])  # fmt: skip
    grain = MutedFilter(watchlists=("grain",))
    assert titles(muted_matches(engine, grain)) == ["herald"]
    assert titles(muted_matches(engine, MutedFilter(since=morning))) == [
        "herald",
        "herald",
        "gazette",
    ]
    of_source = Mute("nato", "source", "Herald", "Herald", morning)
    assert titles(muted_matches(engine, MutedFilter(mute=of_source))) == ["herald"]
    of_story = Mute("nato", "story", content_id("gazette"), "Envoys", morning)
    assert titles(muted_matches(engine, MutedFilter(mute=of_story))) == ["gazette"]
    assert muted_articles(engine, morning, morning + day) == {"nato": {content_id("gazette")}}


@pytest.mark.parametrize("source", ["<b>\0", "Ü" * 600, "'; DROP TABLE matches", "%"])
def test_a_mute_finds_what_it_held_back_whatever_the_source_is_called(
    engine, writer, muted, source, morning
):
    writer.write([muted("held", source=source), muted("other")])
    mute = Mute("nato", "source", source, source, morning)
    assert titles(muted_matches(engine, MutedFilter(mute=mute))) == ["held"]


def test_an_archive_of_the_version_before_keeps_its_matches(
    engine, archive_url, tmp_path, publication, read, make_older
):
    Writer(engine).write([publication("old")])
    before = read(matches)
    make_older("0002")
    engine.dispose()
    open_archive(archive_url, tmp_path).dispose()
    assert read(matches) == before
    assert [row["muted"] for row in before] == [False, False]


def test_a_backup_has_what_was_muted(engine, writer, muted, tmp_path):
    writer.write([muted("held")])
    backup(engine, tmp_path / "backup.db")
    with begin(engine) as connection:
        connection.execute(delete(matches))
    assert count_muted(engine, MutedFilter()) == 0
    restore(engine, tmp_path / "backup.db")
    assert titles(muted_matches(engine, MutedFilter())) == ["held"]


def test_few_muted_matches_are_found_by_their_index(engine, morning):
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL reads a table as small as this one as a whole")
    ran = []
    with begin(engine) as connection:
        connection.connection.driver_connection.set_trace_callback(ran.append)
    mute = Mute("nato", "source", "Herald", "Herald", morning)
    for selection in (
        MutedFilter(), MutedFilter(morning), MutedFilter(morning, ("nato",)), MutedFilter(mute=mute),
    ):  # fmt: skip
        count_muted(engine, selection)
        muted_matches(engine, selection)
    statements = [each for each in ran if "matches.muted = 1" in each]
    assert len(statements) == 8
    for statement in statements:
        with begin(engine) as connection:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
        assert any("matches_muted" in step[3] for step in steps), (statement, steps)
