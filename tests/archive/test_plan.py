"""A plan finds what the daemon would have found, in either database."""

import importlib.util
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.plan import SubscriberChange
from monitor.archive import matching
from monitor.archive.plan import Planner
from monitor.archive.samples import Samples
from monitor.coverage import DeliveryRecord, MatchRecord, Publication, Record
from monitor.errors import QueryError
from monitor.model import Article, DeliveryNote, FeedFilter, Watchlist, content_id
from monitor.store.stories import WINDOW
from monitor.watchlists.article import facts_of
from monitor.watchlists.changes import DefinedWatchlists
from monitor.watchlists.query import parse


def _load(name):
    path = Path(__file__).parents[1] / "watchlists" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"watchlists_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generators, naive = _load("test_matcher"), _load("naive")

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = BEGIN + timedelta(days=10)
# Each example has weeks of its own in one archive, since a new one takes long to make.
weeks = itertools.count()


@pytest.fixture
def store(writer):
    """Write articles, one an hour from a moment on; `alerts` are what was recorded of them."""

    def write(*fields, at=BEGIN):
        records = []
        for number, each in enumerate(fields):
            given = dict(each)
            recorded, muted = given.pop("recorded", {}), given.pop("muted", ())
            identity = content_id(at.isoformat(), str(number))
            article = Article(
                **{
                    "id": identity, "url": f"https://news.example.org/{number}", "title": "",
                    "text": "", "source": "Herald", "feed_url": "", "story": identity,
                } | given
            )  # fmt: skip
            moment = at + timedelta(hours=number)
            documents = tuple(
                {
                    "v": 1, "id": alert, "watchlist": name, "priority": "high",
                    "detected_at": moment.isoformat(), "article": {"id": identity},
                    "story": {"id": article.story},
                    "matches": [{"term": "once", "field": "title", "count": 2}],
                }
                for name, alert in recorded.items()
                if alert
            )  # fmt: skip
            matches = tuple(
                MatchRecord(name, alert, muted=name in muted) for name, alert in recorded.items()
            )
            records.append(Record(publication=Publication(moment, article, matches, documents)))
        assert writer.write(records) == []
        return [record.publication.article for record in records]

    return write


@pytest.fixture
def make(engine):
    """Make a plan of the change from some watchlists, or from the record, to others."""

    def plan(before, after, definitions=({}, {}), since=BEGIN, until=UNTIL):
        olds = None if before is None else DefinedWatchlists(before, definitions[0])
        planner = Planner(
            engine, DefinedWatchlists(after, definitions[1]), olds, since=since, until=until
        )
        for _ in planner.search:
            pass
        return planner.plan()

    return plan


def outline(plan):
    """What each watchlist gains and loses, as numbers of articles."""
    return {
        each.change.name: (each.change.kind, *(_numbers(part) for part in (each.gained, each.lost)))
        for each in plan.changes
    }


def _numbers(found):
    return [(each.found_at - BEGIN) // timedelta(hours=1) for each in found]


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(generators.texts, generators.texts), min_size=1, max_size=6),
    st.lists(generators.queries, min_size=1, max_size=4),
    st.lists(generators.queries, min_size=1, max_size=4),
)
def test_a_plan_matches_what_the_naive_matcher_does_over_all_articles(
    store, make, some, olds, news
):
    since = BEGIN + next(weeks) * timedelta(days=7)
    known = store(
        *({"title": title, "text": text, "tags": ("Defence",), "language": "en-GB",
           "authors": ("aa",)} for title, text in some),
        at=since,
    )  # fmt: skip
    before, after = ([*_watchlists(queries)] for queries in (olds, news))
    plan = make(before, after, since=since, until=since + timedelta(days=1))
    for planned in plan.changes:
        for watchlist, coverage in (
            (planned.change.before, planned.before), (planned.change.after, planned.after)
        ):  # fmt: skip
            root = parse(watchlist.query).root if watchlist else None
            expected = [
                each.id for each in known if root and naive.matches(root, each, facts_of(each))
            ]
            assert list(coverage.articles) == expected, watchlist
            # Each article is a story of its own.
            assert [each.id for each in coverage.alerts] == expected


def _watchlists(queries):
    for number, query in enumerate(queries):
        try:
            parse(query)
        except QueryError:
            continue
        yield Watchlist(f"w{number}", query)


def test_new_changed_and_removed_watchlists_gain_and_lose_alerts(store, make):
    store({"text": "war"}, {"text": "peace"}, {"text": "calm"}, {"text": "war and peace"})
    before = [Watchlist("a", "war"), Watchlist("b", "peace"), Watchlist("c", "calm")]
    after = [
        Watchlist("a", "war OR calm"),
        Watchlist("b", "peace AND NOT war"),
        Watchlist("d", "calm"),
    ]
    plan = make(before, after)
    # That c and d look for the same is a new name.
    assert outline(plan) == {
        "a": ("changed", [2], []), "b": ("changed", [], [3]), "d": ("renamed", [], []),
    }  # fmt: skip
    assert outline(make(before, after[:2])) == {
        "a": ("changed", [2], []), "b": ("changed", [], [3]), "c": ("removed", [], [2]),
    }  # fmt: skip
    assert outline(make([], after[2:])) == {"d": ("new", [2], [])}
    assert (plan.period.articles, plan.unchanged) == (4, 0)


def test_a_changed_definition_is_tried_on_both_sides(store, make):
    store({"text": "levy"}, {"text": "tariff"})
    same = [Watchlist("a", "@tax"), Watchlist("b", "levy")]
    plan = make(same, same, ({"tax": "levy"}, {"tax": "tariff"}))
    assert outline(plan) == {"a": ("changed", [1], [0])}
    assert plan.unchanged == 1


def test_unchanged_watchlists_are_not_looked_for(store, make, monkeypatch):
    store({"text": "war"})
    monkeypatch.setattr(matching, "read_described", None)
    plan = make([Watchlist("a", "war")], [Watchlist("a", "war")])
    assert (plan.changes, plan.unchanged) == ([], 1)


def test_a_changed_filter_of_feeds_alone_gains_and_loses(store, make):
    store(
        {"text": "war", "tags": ("press",)}, {"text": "war", "tags": ("blog",)},
        {"text": "war", "tags": ("press",), "language": "de"}, {"text": "war", "source": "Courier"},
    )  # fmt: skip
    press = Watchlist("a", "war", FeedFilter(tags=("press",)))
    assert outline(make([press], [Watchlist("a", "war")])) == {"a": ("changed", [1, 3], [])}
    english = Watchlist("a", "war", FeedFilter(tags=("press",), languages=("en",)))
    assert outline(make([press], [english])) == {"a": ("changed", [], [2])}
    courier = Watchlist("a", "war", FeedFilter(names=("Courier",)))
    assert outline(make([press], [courier])) == {"a": ("changed", [3], [0, 2])}


def test_articles_of_one_story_alert_once_and_again_for_a_new_term(store, make):
    store(
        {"text": "war", "story": "s"}, {"text": "war", "story": "s"},
        {"text": "war peace", "story": "s"}, {"text": "war"},
    )  # fmt: skip
    story, article = (
        Watchlist("a", "war OR peace", once_per=each) for each in ("story", "article")
    )
    assert outline(make([], [story])) == {"a": ("new", [0, 2, 3], [])}
    assert outline(make([story], [article])) == {"a": ("changed", [1], [])}


def test_a_story_that_began_before_the_period_has_had_its_alert(store, make):
    store(*({"text": "war", "story": "s"} for _ in range(3)))
    plan = make([], [Watchlist("a", "war")], since=BEGIN + timedelta(hours=1))
    assert outline(plan) == {"a": ("new", [], [])}
    assert len(plan.changes[0].after.articles) == 2
    assert matching.WARM_UP == WINDOW


def test_articles_that_a_mute_held_back_alert_on_neither_side(store, make):
    held = {"recorded": {"a": None}, "muted": ("a",)}
    store(
        {"text": "war", "story": "s", **held},
        {"text": "war", "story": "s", "recorded": {"a": "1" * 32}},
        {"text": "war", **held},
    )
    watchlist = Watchlist("a", "war")
    # The article that was not muted alerts, though it is not the first one of its story.
    assert outline(make(None, [watchlist])) == {}
    assert outline(make([], [watchlist])) == {"a": ("new", [1], [])}
    assert outline(make([], [Watchlist("b", "war")])) == {"b": ("new", [0, 2], [])}


def test_an_article_held_back_before_the_period_is_no_alert_of_its_story(store, make):
    store(
        {"text": "war", "story": "s", "recorded": {"a": None}, "muted": ("a",)},
        {"text": "war", "story": "s"},
    )
    plan = make([], [Watchlist("a", "war")], since=BEGIN + timedelta(hours=1))
    assert outline(plan) == {"a": ("new", [1], [])}


def test_changed_subscribers_alone_move_alerts_between_them(store, make):
    store({"text": "war"}, {"text": "war"})
    before = Watchlist("a", "war", subscribers=("desk", "night"))
    after = Watchlist("a", "war", subscribers=("desk", "phones"))
    plan = make([before], [after])
    assert outline(plan) == {"a": ("changed", [], [])}
    assert plan.subscribers == [SubscriberChange("night", 2, 0), SubscriberChange("phones", 0, 2)]


def test_an_overlap_counts_recorded_alerts_of_unchanged_watchlists_and_planned_ones_of_others(
    store, make
):
    store(
        {"text": "war", "recorded": {"same": "1" * 32, "gone": "2" * 32}},
        {"text": "war peace", "recorded": {"same": None}},
        {"text": "calm", "recorded": {"same": "3" * 32}},
    )
    same = Watchlist("same", "other")
    plan = make([same], [same, Watchlist("a", "war"), Watchlist("b", "peace")])
    overlaps = {each.change.name: each.overlap for each in plan.changes}
    assert (overlaps["a"].alerts, overlaps["a"].by_watchlist) == (2, {"b": 1, "same": 1})
    assert (overlaps["b"].alerts, overlaps["b"].by_watchlist) == (1, {"a": 1})


def test_the_period_begins_with_the_first_article(store, make):
    store({"text": "war"}, {"text": "war"}, at=UNTIL - timedelta(days=2))
    plan = make([], [Watchlist("a", "war")])
    assert (plan.period.since, plan.period.days) == (UNTIL - timedelta(days=2), 2)


def test_without_another_configuration_the_record_is_what_was_before(store, make, writer):
    known = store(
        {"text": "war", "recorded": {"a": "1" * 32, "gone": "2" * 32}},
        {"text": "peace", "recorded": {"a": "3" * 32}},
        {"text": "war"},
        {"text": "calm", "recorded": {"b": "4" * 32}},
        {"text": "old war", "recorded": {}},
    )
    for alert, subscriber, event in (
        ("1", "desk", "held"), ("1", "desk", "delivered"), ("3", "desk", "failed"),
        ("2", "night", "delivered"), ("4", "desk", "delivered"),
    ):  # fmt: skip
        note = DeliveryNote(UNTIL, subscriber, "slack", event, "")
        assert writer.write([Record(delivery=DeliveryRecord((alert * 32,), note))]) == []
    after = [
        Watchlist("a", "war AND NOT old", subscribers=("desk",)),
        Watchlist("b", "calm", subscribers=("desk",)),
        Watchlist("c", "old", subscribers=("phones",)),
    ]
    plan = make(None, after)
    assert outline(plan) == {
        "a": ("changed", [2], [1]), "c": ("new", [4], []), "gone": ("removed", [], [0]),
    }  # fmt: skip
    assert plan.unchanged == 1
    assert plan.subscribers == [SubscriberChange("night", 1, 0), SubscriberChange("phones", 0, 1)]
    assert len(known) == 5


@pytest.fixture
def samples(engine):
    def read(plan, definitions=({}, {}), most=5):
        made = [Samples(engine, each, *definitions) for each in plan.changes]
        return {
            each.change.name: (both.gained(most), both.lost(most))
            for each, both in zip(plan.changes, made, strict=True)
        }

    return read


def test_samples_say_which_terms_matched_and_why_the_other_side_has_no_alert(store, make, samples):
    store(
        {"text": "peace, not war", "story": "s"}, {"text": "sports and peace"},
        {"text": "peace", "source": "Courier"}, {"text": "peace again", "story": "s"},
    )  # fmt: skip
    plan = make(
        [Watchlist("a", "peace", once_per="article")],
        [Watchlist("a", "peace AND NOT sports", FeedFilter(names=("Herald",)))],
    )
    new, lost = samples(plan)["a"]
    assert new == []
    assert [(each.source, each.reason) for each in lost] == [
        ("Herald", "matches as well, without an alert of its own"),
        ("Courier", "its feed is not covered"),
        ("Herald", 'no match because of "sports"'),
    ]
    assert lost[2].matches == [{"term": "peace", "field": "body", "count": 1}]
    assert lost[2].snippets == [{"text": "sports and peace", "highlights": [[11, 16]]}]
    [back] = samples(make([Watchlist("a", "x")], [Watchlist("a", "sports")]))["a"][0]
    assert back.reason == 'no match because of "x"'


def test_samples_of_recorded_alerts_show_what_was_recorded(store, make, samples):
    store({"text": "war", "title": "Title", "recorded": {"gone": "1" * 32}})
    [lost] = samples(make(None, []))["gone"][1]
    assert (lost.title, lost.matches) == ("Title", [{"term": "once", "field": "title", "count": 2}])
    assert lost.reason == ""


def test_many_candidates_are_shared_among_processes_in_order(store, make, share):
    store(*({"text": f"peace word{number}"} for number in range(12)))
    plan = make([], [Watchlist("a", "@p NEAR/2 word1*")], ({}, {"p": "peace"}))
    assert outline(plan) == {"a": ("new", [1, 10, 11], [])}


def test_more_words_than_the_index_looks_up_quickly_read_all_articles(store, make, monkeypatch):
    store({"text": "war"}, {"text": "peace"})
    monkeypatch.setattr(matching, "MOST_LEXEMES", 1)
    assert outline(make([], [Watchlist("a", "war OR calm")])) == {"a": ("new", [0], [])}
