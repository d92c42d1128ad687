"""Which watchlists differ between two configurations, and in what."""

from datetime import timedelta

from monitor.model import FeedFilter, Spike, Watchlist
from monitor.watchlists.changes import ChangedPart, DefinedWatchlists, changes


def compare(before, after, definitions=(), new_definitions=None):
    olds = dict(definitions)
    news = olds if new_definitions is None else new_definitions
    return changes(DefinedWatchlists(before, olds), DefinedWatchlists(after, news))


def outline(found):
    return [(each.kind, each.name, [part.key for part in each.parts]) for each in found]


def test_watchlists_that_decide_alike_do_not_differ():
    before = Watchlist("w", 'NATO AND "a summit"', subscribers=("a", "b"))
    after = Watchlist("w", '(nato)  AND "A Summit"', subscribers=("b", "a"))
    assert compare([before, Watchlist("x", "y")], [Watchlist("x", "y"), after]) == []


def test_new_and_removed_watchlists_are_found():
    found = compare(
        [Watchlist("a", "x"), Watchlist("b", "y")], [Watchlist("c", "z"), Watchlist("b", "y")]
    )
    assert outline(found) == [("new", "c", []), ("removed", "a", [])]
    assert [(each.before, each.after) for each in found] == [
        (None, Watchlist("c", "z")),
        (Watchlist("a", "x"), None),
    ]


def test_a_renamed_watchlist_is_not_a_new_one():
    before, after = Watchlist("old", "x", priority="low"), Watchlist("new", "X", priority="high")
    [found] = compare([before], [after])
    assert (found.kind, found.name, found.before, found.after) == ("renamed", "new", before, after)
    assert found.parts == (ChangedPart("priority", "low", "high"),)


def test_each_of_two_new_watchlists_needs_a_removed_one_to_be_its_new_name():
    found = compare([Watchlist("a", "x")], [Watchlist("b", "x"), Watchlist("c", "x")])
    assert outline(found) == [("renamed", "b", []), ("new", "c", [])]


def test_a_changed_definition_changes_each_watchlist_that_uses_it_itself_or_through_others():
    watchlists = [
        Watchlist("a", "@b AND x"),
        Watchlist("c", "@d"),
        Watchlist("e", "f"),
        Watchlist("g", '"@b"'),
    ]
    found = compare(
        watchlists, watchlists, {"b": "y", "d": "z OR @b"}, {"b": "y OR w", "d": "z OR @b"}
    )
    assert outline(found) == [("changed", "a", ["@b"]), ("changed", "c", ["@b"])]
    assert found[0].parts == (ChangedPart("@b", "y", "y OR w"),)


def test_a_definition_that_nobody_uses_changes_nothing():
    assert compare([Watchlist("a", "x")], [Watchlist("a", "x")], {"b": "y"}, {"b": "z"}) == []


def test_every_part_that_decides_is_compared():
    before = Watchlist("w", "x", FeedFilter(names=("Herald",)))
    after = Watchlist(
        "w", "y", FeedFilter(tags=("b", "a"), languages=("en",)), "high", ("desk",), "article",
        Spike(2.5, timedelta(days=14)),
    )  # fmt: skip
    [found] = compare([before], [after])
    assert found.parts == (
        ChangedPart("query", "x", "y"),
        ChangedPart("feeds", "names: Herald", "tags: a, b; languages: en"),
        ChangedPart("once_per", "story", "article"),
        ChangedPart("priority", "normal", "high"),
        ChangedPart("subscribers", "", "desk"),
        ChangedPart("spike", "", "2.5 times over 14d"),
    )
