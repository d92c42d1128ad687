"""The figures of a report, counted in either database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from monitor.archive import report_matches
from monitor.archive.database import begin
from monitor.archive.report import covered_watchlists, read_figures
from monitor.archive.report_matches import read_matches
from monitor.archive.schema import matches
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article, content_id
from monitor.reports.figures import NamedTally, ReportedSpike, Tally
from monitor.reports.periods import Period

UNTIL = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Period(UNTIL - 7 * DAY, UNTIL)


@pytest.fixture
def published(writer):
    """Write an article that watchlists matched; the first of them alerted on it."""

    def write(name, at, *watchlists, source="Herald", story="", published=None, language="en", alert=True, host=None):  # fmt: skip
        host = host or f"{source.lower().replace(' ', '-')}.example"
        article = Article(
            content_id(name), f"https://{host}/{name}", f"About {name}", "Words.", source,
            "https://herald.example/feed", language=language, published_at=published,
            story=content_id(story or name),
        )  # fmt: skip
        identity = content_id("alert", name)
        document = {
            "v": 1, "id": identity, "watchlist": watchlists[0] if watchlists else "", "priority": "high",
            "detected_at": at.isoformat(), "article": {"id": article.id, "title": article.title},
            "snippets": [{"text": f"of {name}", "highlights": [[0, 2]]}], "story": {"id": article.story},
        }  # fmt: skip
        found = tuple(
            MatchRecord(watchlist, identity if alert and not number else None)
            for number, watchlist in enumerate(watchlists)
        )
        alerts = (document,) if alert and watchlists else ()
        assert writer.write([Record(Publication(at, article, found, alerts))]) == []

    return write


def names(figures):
    return [(each.name, each.articles) for each in figures.watchlists]


def test_matches_are_counted_by_watchlist_and_articles_once(engine, published):
    published("a", UNTIL - DAY, "nato", "grain")
    published("b", UNTIL - 2 * DAY, "nato", source="Courier", language="fr-BE")
    published("c", UNTIL - 3 * DAY, "other")
    published("unmatched", UNTIL - DAY)
    published("before", UNTIL - 8 * DAY, "nato")
    published("long ago", UNTIL - 15 * DAY, "nato")
    figures = read_figures(engine, WEEK, ["grain", "nato", "unheard"])
    assert names(figures) == [
        ("nato", Tally(2, 1)),
        ("grain", Tally(1, 0)),
        ("unheard", Tally(0, 0)),
    ]
    assert figures.articles == Tally(2, 1)
    assert figures.matches == Tally(3, 1)
    assert figures.alerts == Tally(2, 1)
    assert figures.stories == Tally(2, 1)
    assert figures.source_count == Tally(2, 1)
    assert figures.sources == (
        NamedTally("Courier", Tally(1, 0)),
        NamedTally("Herald", Tally(1, 1)),
    )
    assert figures.languages == (NamedTally("en", Tally(1, 1)), NamedTally("fr", Tally(1, 0)))
    assert figures.watchlist_count == 3


def test_articles_are_counted_by_step_of_either_period(engine, published):
    published("first", WEEK.since, "nato", "grain")
    published("last", UNTIL - timedelta(milliseconds=1), "nato")
    published("too late", UNTIL, "nato")
    published("before", WEEK.before.since, "nato")
    published("long ago", UNTIL - 15 * DAY, "nato")
    figures = read_figures(engine, WEEK, ["grain", "nato"])
    assert figures.steps == (1, 0, 0, 0, 0, 0, 1)
    assert figures.steps_before == (1, 0, 0, 0, 0, 0, 0)
    assert figures.watchlists[0].steps == (1, 0, 0, 0, 0, 0, 1)
    assert figures.watchlists[1].steps_before == (0,) * 7


def test_the_hour_more_of_a_week_in_which_the_clocks_are_set_back_belongs_to_its_last_day(
    engine, published
):
    long = Period(UNTIL - 7 * DAY - timedelta(hours=1), UNTIL)
    published("a", UNTIL - timedelta(minutes=1), "nato")
    published("b", UNTIL - timedelta(hours=2), "nato")
    published("c", long.before.since, "other")
    published("d", long.since - timedelta(minutes=1), "nato")
    figures = read_figures(engine, long, ["nato"])
    assert figures.steps == (0, 0, 0, 0, 0, 0, 2)
    assert figures.steps_before == (0, 0, 0, 0, 0, 0, 1)


def test_a_period_of_hours_has_steps_of_hours(engine, published):
    published("a", UNTIL - timedelta(minutes=90), "nato")
    assert read_figures(engine, Period(UNTIL - DAY, UNTIL), ["nato"]).steps == (0,) * 22 + (1, 0)


def test_without_the_period_before_there_is_no_comparison(engine, published):
    published("a", WEEK.before.since + timedelta(minutes=1), "nato")
    figures = read_figures(engine, WEEK, ["nato"])
    assert not figures.is_compared
    assert figures.articles == Tally(0, None)
    assert figures.steps_before == figures.watchlists[0].steps_before == ()
    published("b", WEEK.before.since, "other")
    assert read_figures(engine, WEEK, ["nato"]).articles == Tally(0, 1)


def test_an_empty_archive_has_an_empty_report(engine):
    figures = read_figures(engine, WEEK, [])
    assert (figures.articles, figures.watchlists, figures.spikes) == (Tally(0, None), (), ())
    assert covered_watchlists(engine) == []


def test_matches_that_were_found_by_looking_back_count_and_are_marked(engine, published):
    published("a", UNTIL - DAY, "nato")
    published("b", UNTIL - DAY, "nato", alert=False)
    with begin(engine) as connection:
        connection.execute(
            update(matches).where(matches.c.article == content_id("b")).values(later=True)
        )
    (nato,) = read_figures(engine, WEEK, ["nato"]).watchlists
    assert (nato.articles.now, nato.later, nato.alerts.now) == (2, 1, 1)
    assert sorted((row.later, row.alert is None) for row in read_matches(engine, WEEK, ["nato"])) == [
        (False, False), (True, True),
    ]  # fmt: skip


def test_a_story_names_its_outlets_in_the_order_of_publication(engine, published):
    at = UNTIL - DAY
    hour = timedelta(hours=1)
    published("late", at, "nato", story="s", source="Late", published=at - hour, alert=False)
    published("first", at + hour, "nato", story="s", source="First", published=at - 3 * hour)
    published(
        "again", at + hour, "nato", story="s", source="First", published=at - 2 * hour, alert=False
    )
    # A date after the finding is wrong, and one that is unknown is that of the finding.
    published(
        "wrong", at, "nato", story="s", source="Wrong", published=UNTIL + 99 * DAY, alert=False
    )
    published("undated", at + hour, "nato", story="s", source="Undated", alert=False)
    published("single", at, "nato")
    published("elsewhere", at, "grain", story="s", source="Elsewhere")
    story, single = read_figures(engine, WEEK, ["nato", "other"]).watchlists[0].stories
    assert [carrier.source for carrier in story.carriers] == ["First", "Late", "Wrong", "Undated"]
    assert [carrier.at for carrier in story.carriers][-2:] == [at, at + hour]
    assert (story.articles, story.outlets, story.hidden) == (5, 4, 0)
    assert story.carriers[0].title == "About first"
    assert story.snippets == ({"text": "of first", "highlights": [[0, 2]]},)
    assert single.outlets == 1


def test_an_outlet_is_a_site_however_many_feeds_it_has(engine, published):
    at = UNTIL - DAY
    for number, host in enumerate(("www.bbc.co.uk", "feeds.bbc.co.uk", "www.spiegel.de")):
        published(f"n{number}", at, "nato", story="s", source=f"Feed {number}", host=host)
    (story,) = read_figures(engine, WEEK, ["nato"]).watchlists[0].stories
    assert (story.articles, story.outlets) == (3, 2)
    assert len(story.carriers) == 2


def test_each_watchlist_has_its_own_stories_and_only_the_first_are_named(engine, published):
    at = UNTIL - DAY
    for number in range(14):
        published(f"big {number}", at, "nato", "grain", story="big", source=f"Outlet {number}")
    for number in range(7):
        published(f"small {number}", at, "nato")
    nato, grain = read_figures(engine, WEEK, ["nato", "grain"]).watchlists
    assert len(nato.stories) == 5
    assert len(grain.stories) == 1
    assert (nato.stories[0].outlets, len(nato.stories[0].carriers), nato.stories[0].hidden) == (
        14,
        12,
        2,
    )


def test_titles_and_addresses_that_would_burst_a_mail_are_cut(engine, published):
    published("x" * 3000, UNTIL - DAY, "nato")
    (story,) = read_figures(engine, WEEK, ["nato"]).watchlists[0].stories
    assert (len(story.carriers[0].title), story.carriers[0].url) == (500, "")


def test_spikes_are_listed_and_are_no_coverage(engine, writer, published):
    published("a", UNTIL - DAY, "nato")
    for name, at in (("now", UNTIL - DAY), ("before", UNTIL - 8 * DAY)):
        identity = content_id(name)
        spike = {
            "v": 1, "id": identity, "watchlist": "nato", "priority": "high", "detected_at": at.isoformat(),
            "article": {"id": identity, "title": f"coverage of nato {name}"}, "story": {"id": content_id("s")},
            "spike": {"state": "begun"},
        }  # fmt: skip
        assert writer.write([Record(alert=spike)]) == []
    figures = read_figures(engine, WEEK, ["nato"])
    assert figures.spikes == (ReportedSpike("nato", "coverage of nato now", UNTIL - DAY),)
    assert figures.spike_count == 1
    assert (figures.articles.now, figures.alerts.now) == (1, 1)
    assert read_figures(engine, WEEK, ["grain"]).spikes == ()


def test_the_names_of_all_watchlists_are_found(engine, published):
    for number, watchlist in enumerate(("nato", "grain", "Zürich", "nato")):
        published(f"a{number}", UNTIL, watchlist)
    assert sorted(covered_watchlists(engine)) == sorted(["Zürich", "grain", "nato"])


def test_all_matches_are_read_page_by_page(engine, published, monkeypatch):
    monkeypatch.setattr(report_matches, "PAGE", 2)
    for number in range(5):
        # Several at the same moment, across the end of a page.
        published(f"a{number}", UNTIL - DAY * (1 + number // 3), "nato", "grain")
    published("too late", UNTIL, "nato")
    rows = list(read_matches(engine, WEEK, ["nato", "grain"]))
    assert [row.watchlist for row in rows] == ["nato"] * 5 + ["grain"] * 5
    assert len({(row.watchlist, row.article) for row in rows}) == 10
    assert [row.matched_at for row in rows[:5]] == sorted(row.matched_at for row in rows[:5])
    assert rows[0].site == "herald.example"
    assert rows[0].authors == ()
