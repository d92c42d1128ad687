"""What counts as new, and what as edited."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.entries import decide
from monitor.model import Entry

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ONE = Entry("1", "https://a.example/1", "One", "First words", published_at=NOW)
TWO = Entry("2", "https://a.example/2", "Two", "Second words", published_at=NOW)


def polls(*documents, backfill=None):
    """The entries queued (new, edited) by each of several polls."""
    seen, queued = {}, []
    for number, document in enumerate(documents):
        first = backfill if number == 0 else None
        decision = decide(document, seen, now=NOW, backfill=first)
        seen |= decision.remember
        queued.append(([e for e, _ in decision.new], [e for e, _ in decision.edited]))
    return queued


def test_an_entry_is_new_once():
    assert polls([ONE], [TWO, ONE], [ONE, TWO]) == [([ONE], []), ([TWO], []), ([], [])]


def test_changed_words_make_an_entry_edited():
    edited = replace(ONE, title="One, corrected")
    assert polls([ONE], [edited], [edited]) == [([ONE], []), ([], [edited]), ([], [])]


def test_markup_and_update_times_alone_are_no_edit():
    rendered = replace(ONE, summary="<p>First  words</p>", updated_at=NOW)
    assert polls([ONE], [rendered])[1] == ([], [])


def test_a_feed_that_changes_its_guids_at_every_poll_repeats_nothing():
    assert polls([ONE, TWO], [replace(ONE, guid="x"), replace(TWO, guid="y")])[1] == ([], [])


def test_a_feed_that_changes_guids_and_links_repeats_nothing_that_has_title_and_date():
    moved = replace(ONE, guid="x", url="https://a.example/1?session=2")
    assert polls([ONE], [moved])[1] == ([], [])


def test_tracking_parameters_make_no_new_entry():
    tracked = Entry(None, "https://a.example/1?utm_source=rss", "One", "First words")
    assert polls([replace(tracked, url="https://a.example/1")], [tracked])[1] == ([], [])


def test_one_guid_for_all_entries_hides_none():
    same = [replace(ONE, guid="same"), replace(TWO, guid="same")]
    assert polls(same)[0] == (same, [])


def test_one_guid_for_one_entry_after_another_hides_none():
    later = replace(TWO, guid="1")
    assert polls([ONE], [later])[1] == ([], [later])


def test_one_link_for_all_entries_hides_none():
    same = [replace(one, guid=None, url="https://a.example/") for one in (ONE, TWO)]
    assert polls(same, same) == [(same, []), ([], [])]


def test_an_entry_listed_twice_is_queued_once():
    assert polls([ONE, ONE])[0] == ([ONE], [])


def test_entries_with_nothing_but_words_are_told_apart():
    bare = [Entry(title="One"), Entry(title="Two"), Entry(summary="Three")]
    assert polls(bare, list(reversed(bare))) == [(bare, []), ([], [])]


def test_the_first_poll_remembers_old_entries_without_queueing_them():
    old = replace(ONE, published_at=NOW - timedelta(days=2))
    undated = replace(TWO, published_at=None)
    assert polls([old, undated], [old, undated], backfill=timedelta(days=1)) == [
        ([undated], []),
        ([], []),
    ]


def test_a_doubtful_date_hides_no_entry_at_the_first_poll():
    doubtful = replace(ONE, published_at=NOW - timedelta(days=200), date_is_doubtful=True)
    assert polls([doubtful], backfill=timedelta(days=1)) == [([doubtful], [])]


def test_after_the_first_poll_an_old_entry_is_news():
    late = replace(TWO, published_at=NOW - timedelta(days=30))
    assert polls([ONE], [ONE, late], backfill=timedelta(days=1))[1] == ([late], [])


entries = st.builds(
    Entry,
    guid=st.none() | st.sampled_from("abc"),
    url=st.none() | st.sampled_from(["https://a.example/1", "https://a.example/2"]),
    title=st.sampled_from(["", "One", "Two"]),
    summary=st.sampled_from(["", "words", "other words"]),
    published_at=st.none() | st.just(NOW),
)


@given(st.lists(entries, max_size=6), st.randoms())
def test_the_same_document_in_any_order_brings_nothing_the_second_time(document, random):
    shuffled = document[:]
    random.shuffle(shuffled)
    new, _ = polls(document, document)[1]
    assert new == []
    assert polls(document, shuffled)[1][0] == []
