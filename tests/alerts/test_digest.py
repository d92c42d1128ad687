"""The content of a message with several alerts."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.digest import Message, gather


def alert(number, watchlist="w", priority="normal", *, story=None, articles=1, field="body"):
    return {
        "id": str(number),
        "watchlist": watchlist,
        "priority": priority,
        "detected_at": f"2026-11-23T09:00:{number % 60:02}Z",
        "matches": [{"term": "t", "field": field, "count": 1}],
        "story": {"id": story or f"story {number}", "articles": articles},
    }


def shown(sections):
    return [[story.best["id"] for story in section.stories] for section in sections]


def test_watchlists_of_high_priority_come_first_then_those_with_more_alerts():
    alerts = [alert(1, "few"), alert(2, "many"), alert(3, "many"), alert(4, "urgent", "high")]
    assert [section.watchlist for section in gather(alerts)] == ["urgent", "many", "few"]


def test_a_section_is_headed_by_the_newest_title_of_its_watchlist():
    titled = alert(2) | {"watchlist_title": "Central banks"}
    (section,) = gather([alert(1), titled, alert(3, "w", "low") | {"detected_at": "2025"}])
    assert (section.watchlist, section.heading) == ("w", "Central banks")
    assert [each.heading for each in gather([alert(1)])] == ["w"]


def test_stories_are_sorted_by_outlets_and_then_by_matches_in_the_title():
    alerts = [alert(1), alert(2, field="title"), alert(3, articles=9)]
    assert shown(gather(alerts)) == [["3", "2", "1"]]


def test_alerts_on_one_story_are_grouped_under_the_best():
    alerts = [alert(1, story="s"), alert(2), alert(3, story="s", field="title")]
    (section,) = gather(alerts)
    assert [
        (story.best["id"], [other["id"] for other in story.others]) for story in section.stories
    ] == [
        ("3", ["1"]),
        ("2", []),
    ]


def test_a_storm_in_one_watchlist_does_not_hide_the_others():
    alerts = [alert(number, "storm", "high") for number in range(500)] + [alert(501, "calm")]
    message = Message("k", tuple(alerts))
    storm, calm = message.sections
    assert (storm.alerts, calm.alerts) == (500, 1)
    assert len(calm.stories) == 1
    assert message.shown == 30


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["low", "normal", "high"]),
            st.integers(0, 5),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_all_alerts_are_counted_and_a_few_are_all_shown(drawn):
    alerts = [
        alert(number, watchlist, priority, story=f"{story}")
        for number, (watchlist, priority, story) in enumerate(drawn)
    ]
    message = Message("k", tuple(alerts))
    assert sum(section.alerts for section in message.sections) == len(alerts)
    assert message.shown <= len(alerts)
    if len(alerts) <= 30:
        assert message.shown == len(alerts)
