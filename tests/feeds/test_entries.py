"""Tests of which entries count as new, and which as edited."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.entries import (
    FEW_AT_ONCE,
    MOST_AT_ONCE,
    MOST_EDITS,
    TOO_MANY_WAITING,
    Seen,
    decide,
    listed,
    room,
)
from monitor.feeds.identities import version_of
from monitor.model import Entry, content_id, from_json

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ONE = Entry("1", "https://a.example/1", "One", "First words", published_at=NOW)
TWO = Entry("2", "https://a.example/2", "Two", "Second words", published_at=NOW)


def entries_of(taken):
    """Returns the entries as their feed lists them."""
    return [replace(from_json(Entry, one.json), name_at_link="", owns_page=True) for one in taken]


def polls(*documents, backfill=None, most=None):
    """Returns the entries queued (new, edited) by each of several polls."""
    seen, queued = {}, []
    for number, document in enumerate(documents):
        first = backfill if number == 0 else None
        entries, _ = listed(document)
        decision = decide(entries, seen, now=NOW, backfill=first, most=most)
        seen |= decision.remember
        queued.append((entries_of(decision.new), entries_of(decision.edited)))
    return queued


def test_an_entry_is_new_once():
    assert polls([ONE], [TWO, ONE], [ONE, TWO]) == [([ONE], []), ([TWO], []), ([], [])]


def test_changed_words_make_an_entry_edited():
    edited = replace(ONE, title="One, corrected")
    assert polls([ONE], [edited], [edited]) == [([ONE], []), ([], [edited]), ([], [])]


def test_changed_markup_or_update_times_alone_are_not_an_edit():
    rendered = replace(ONE, summary="<p>First  words</p>", updated_at=NOW)
    assert polls([ONE], [rendered])[1] == ([], [])


def test_a_feed_that_changes_its_guids_at_every_poll_repeats_nothing():
    assert polls([ONE, TWO], [replace(ONE, guid="x"), replace(TWO, guid="y")])[1] == ([], [])


def test_a_feed_that_changes_guids_and_links_repeats_nothing_that_has_title_and_date():
    moved = replace(ONE, guid="x", url="https://a.example/1?session=2")
    assert polls([ONE], [moved])[1] == ([], [])


def test_tracking_parameters_do_not_make_a_new_entry():
    tracked = Entry(None, "https://a.example/1?utm_source=rss", "One", "First words")
    assert polls([replace(tracked, url="https://a.example/1")], [tracked])[1] == ([], [])


def test_one_guid_for_all_entries_hides_no_entry():
    same = [replace(ONE, guid="same"), replace(TWO, guid="same")]
    assert polls(same)[0] == (same, [])


def test_one_guid_for_successive_entries_hides_no_entry():
    later = replace(TWO, guid="1")
    assert polls([ONE], [later])[1] == ([], [later])


def test_one_link_for_all_entries_hides_no_entry():
    same = [replace(one, guid=None, url="https://a.example/") for one in (ONE, TWO)]
    assert polls(same, same) == [(same, []), ([], [])]


LIVE = [
    Entry(str(number), "https://a.example/live", f"Update {number}", f"Words {number}")
    for number in range(5)
]


def queued(document, seen=None):
    """Returns all entries that one poll queues, as the workers get them."""
    decision = decide(listed(document)[0], seen or {}, now=NOW)
    return [from_json(Entry, one.json) for one in decision.new + decision.edited]


def test_entries_that_share_a_link_are_distinguished_by_their_guids():
    assert [entry.name_at_link for entry in queued(LIVE)] == ["0", "1", "2", "3", "4"]
    assert not any(entry.owns_page for entry in queued(LIVE))


def test_entries_whose_links_differ_in_the_fragment_are_distinguished_by_their_links():
    parts = [replace(one, url=f"{one.url}#part-{one.guid}") for one in LIVE]
    found = queued(parts)
    assert [entry.name_at_link for entry in found] == [""] * 5
    assert not any(entry.owns_page for entry in found)
    assert polls(parts[:1], parts[1:2])[1] == (parts[1:2], [])


def test_entries_with_one_title_at_one_link_are_distinguished_by_guid_and_words():
    same = [replace(one, title="Investigating") for one in LIVE]
    assert [entry.name_at_link for entry in queued(same)] == ["0", "1", "2", "3", "4"]
    assert polls(same[:1], same)[1] == (same[1:], [])


def test_a_link_of_successive_entries_identifies_only_the_first():
    first, second = (replace(one, published_at=NOW) for one in LIVE[:2])
    seen = decide(listed([first])[0], {}, now=NOW).remember
    assert [entry.name_at_link for entry in queued([first])] == [""]
    assert [entry.name_at_link for entry in queued([second], seen)] == ["1"]


def test_an_edited_entry_under_a_new_guid_is_still_identified_by_its_link():
    seen = decide(listed([ONE])[0], {}, now=NOW).remember
    edited = replace(ONE, guid="other", summary="First words, corrected")
    assert [entry.name_at_link for entry in queued([edited], seen)] == [""]
    permalink = replace(ONE, guid=ONE.url, title="One, corrected", published_at=None)
    assert [entry.name_at_link for entry in queued([permalink], seen)] == [""]


def test_many_entries_at_one_link_take_linear_time():
    many = [replace(LIVE[0], guid=str(number), title=f"{number}") for number in range(20_000)]
    assert len(queued(many)) == 20_000


def test_an_entry_listed_twice_is_queued_once():
    assert polls([ONE, ONE])[0] == ([ONE], [])


def test_entries_with_nothing_but_words_are_distinguished():
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


def test_after_the_first_poll_an_old_entry_is_new():
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
def test_the_same_document_in_any_order_has_nothing_new_the_second_time(document, random):
    shuffled = document[:]
    random.shuffle(shuffled)
    new, _ = polls(document, document)[1]
    assert new == []
    assert polls(document, shuffled)[1][0] == []


def numbered(count, words="words"):
    return [
        Entry(f"{number}", f"https://a.example/{number}", f"Entry {number}", words)
        for number in range(count)
    ]


def test_entries_beyond_the_limit_of_a_poll_are_queued_by_the_next_ones():
    document = numbered(7)
    taken = [new for new, _ in polls(*[document] * 5, most=3)]
    assert taken == [document[:3], document[3:6], document[6:], [], []]


def test_edits_are_held_back_like_new_entries_but_counted_apart():
    before, after = numbered(4), numbered(4, "other words")
    more = [*after, *numbered(6)[4:]]
    assert polls(before, more, more, more, most=None)[1] == (more[4:], after)
    counts = [(len(new), len(edited)) for new, edited in polls(*[more] * 3, most=2)]
    assert counts == [(2, 0), (2, 0), (2, 0)]
    seen = decide(listed(before)[0], {}, now=NOW).remember
    held = decide(listed(more)[0], seen, now=NOW, most=1)
    assert (entries_of(held.new), entries_of(held.edited)) == ([more[4]], [after[0]])
    assert held.held_back == 4


def test_a_twin_with_another_guid_does_not_make_a_held_back_entry_known():
    twins = [replace(TWO, guid="twin"), replace(TWO, guid="other")]
    taken = [new for new, _ in polls([ONE, *twins], [ONE, *twins], most=1)]
    assert taken == [[ONE], twins[:1]]
    held = decide(listed([ONE, *twins])[0], {}, now=NOW, most=1)
    assert held.held_back == 1


def test_old_entries_of_a_first_poll_are_remembered_whatever_the_limit():
    old = [replace(one, published_at=NOW - timedelta(days=2)) for one in numbered(5)]
    recent = [replace(ONE, guid="a"), replace(TWO, guid="b")]
    taken = polls([*old, *recent], [*old, *recent], backfill=timedelta(days=1), most=1)
    assert [new for new, _ in taken] == [recent[:1], recent[1:]]


def test_an_entry_that_changes_at_every_poll_is_queued_a_limited_number_of_times():
    versions = [[replace(ONE, title=f"It is {minute} past")] for minute in range(MOST_EDITS + 9)]
    taken = polls(*versions)
    assert sum(len(edited) for _, edited in taken) == MOST_EDITS
    assert taken[-1] == ([], [])


def test_one_guid_for_successive_entries_hides_no_entry_however_many():
    latest = [[replace(ONE, title=f"{n}", url=f"https://a.example/{n}")] for n in range(60)]
    assert all(new or edited for new, edited in polls(*latest))


def test_an_entry_that_cannot_be_serialised_loses_no_other():
    broken = replace(TWO, title="half a pair: \ud83d")
    entries, lost = listed([ONE, broken])
    assert (entries_of(entries), lost) == ([ONE], 1)


def test_the_more_entries_wait_the_fewer_are_added():
    rooms = [room(waiting) for waiting in (0, 4_700, 5_000, 40_000, TOO_MANY_WAITING)]
    assert rooms == [MOST_AT_ONCE, 300, FEW_AT_ONCE, FEW_AT_ONCE, 0]


@given(
    st.lists(st.sampled_from("a b < > <b> \u2003".split(" ")) | st.sampled_from(" \t\n\xa0\x1c"))
)
def test_a_version_depends_on_words_and_the_places_of_tags_and_not_on_white_space(parts):
    html = "".join(parts)
    plainly = re.sub(r"<[^<>]*>|[^\S ]\s*| \s+", " ", html).strip()
    # Every stored version was made so; another would make all entries edited.
    assert version_of(Entry(summary=html)) == content_id("", plainly, "")[:16]


def test_a_link_recorded_before_more_parameters_were_known_is_not_new():
    """What older versions kept of a link is still recognised, and so is what is kept of it now."""
    entry = Entry(None, "https://a.example/1?CMP=rss", "One", "First words")
    former = content_id("link", entry.url)[:16]
    (one,), _ = listed([entry])
    assert former in one.identities
    known = dict.fromkeys([former], Seen(one.version))
    decision = decide([one], known, now=NOW)
    assert not decision.new
    (clean,), _ = listed([replace(entry, url="https://a.example/1")])
    assert not decide([clean], decision.remember, now=NOW).new
