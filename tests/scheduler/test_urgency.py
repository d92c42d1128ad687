"""Which entries of a poll go first."""

import asyncio

from monitor.config.schema import Settings
from monitor.feeds.entries import listed
from monitor.http.client import HttpClient
from monitor.jobs.queues import FRONT
from monitor.model import Entry, Feed, FeedFilter, FeedState, Watchlist
from monitor.scheduler.poll import Poller
from monitor.scheduler.urgency import MOST_EXAMINED, MOST_URGENT, Urgency

FEED = Feed("https://a.example/feed.xml", tags=("defence",))


def lanes(*watchlists, entries):
    return list(Urgency(watchlists).lanes(FEED, FeedState(), listed(entries)[0]))


def entry(number=0, **words):
    return Entry(guid=str(number), url=f"https://a.example/{number}", **words)


def watch(query, **more):
    return Watchlist("urgent", query, **{"priority": "high"} | more)


def test_an_entry_that_matches_a_watchlist_of_high_priority_is_urgent():
    entries = [
        entry(1, title="Ministers meet"),
        entry(2, title="A <b>coup</b> d&#39;état"),
        entry(3, title="Night", summary="<p>There was a <i>coup</i> in the night.</p>"),
        entry(4, title="Night", content="<p>There was a coup in the night.</p>"),
    ]
    expected = ["articles", "urgent", "urgent", "urgent"]
    assert lanes(watch("coup"), entries=entries) == expected
    assert lanes(watch("coup", priority="normal"), entries=entries) == ["articles"] * 4


def test_markup_does_not_match():
    assert lanes(watch("strong"), entries=[entry(title="<strong>No</strong>")]) == ["articles"]


def test_the_watchlists_choice_of_feeds_counts():
    entries = [entry(title="coup")]
    sport = FeedFilter(tags=("sport",))
    defence = FeedFilter(tags=("defence",))
    assert lanes(watch("coup", feeds=sport), entries=entries) == ["articles"]
    assert lanes(watch("coup", feeds=defence), entries=entries) == ["urgent"]


def test_one_feed_does_not_fill_the_urgent_queue():
    entries = [entry(number, title=f"coup {number}") for number in range(40)]
    found = lanes(watch("coup"), entries=entries)
    assert found == [
        *["urgent"] * MOST_URGENT,
        *["articles"] * FRONT,
        *["bulk"] * (40 - MOST_URGENT - FRONT),
    ]


def test_a_feed_of_many_entries_is_not_examined_to_its_end():
    entries = [entry(number, title=f"title {number}") for number in range(MOST_EXAMINED)]
    entries.append(entry(MOST_EXAMINED, title="coup"))
    assert lanes(watch("coup"), entries=entries)[-1] == "bulk"


def test_urgent_entries_are_read_before_all_others(site, store, queues):
    site.put_feed("/a.xml", [(f"Title {number}", f"/{number}") for number in range(8)])
    site.put_feed("/b.xml", [("Ministers meet", "/meet"), ("A coup", "/coup")])
    settings = Settings(allow_private_addresses=["127.0.0.1/32"])

    async def poll():
        async with HttpClient.of(settings) as http:
            poller = Poller(store, queues, http, settings, urgency=Urgency([watch("coup")]))
            for path in ("/a.xml", "/b.xml"):
                await poller.poll(Feed(site.url + path))

    asyncio.run(poll())
    served = queues.served("articles")
    assert [queue.name for queue in served] == ["urgent", "articles", "bulk"]
    (job_id,) = served[0].get_job_ids()
    assert queues.owed("articles", job_id)[1]["title"] == "A coup"
    assert [queue.count for queue in served] == [1, FRONT + 1, 8 - FRONT]
