"""Traces of a host's last pages."""

from monitor.articles.memory import WINDOW, Trace
from monitor.store.furniture import MAX_PAGES


def page(number, *marks):
    name = number.to_bytes(4, "little")
    return Trace(1_000 + number, name, name, marks)


def remember(store, host, *pages):
    for trace in pages:
        store.furniture.remember(host, trace, store.furniture.traces(host))


def test_pages_of_a_host_are_remembered_newest_first(store):
    remember(store, "a.example", page(1, 5, 6), page(2))
    remember(store, "b.example", page(3))
    assert store.furniture.traces("a.example") == [page(2), page(1, 5, 6)]


def test_a_page_replaces_the_earlier_page_of_the_same_article(store):
    again = Trace(9_000, page(1).link, page(7).title, (8,))
    remember(store, "a.example", page(1, 5), page(2), again)
    assert store.furniture.traces("a.example") == [again, page(2)]


def test_traces_are_bounded_in_number_and_expire(store, redis):
    remember(store, "a.example", *map(page, range(MAX_PAGES + 5)))
    traces = store.furniture.traces("a.example")
    assert (len(traces), traces[0]) == (MAX_PAGES, page(MAX_PAGES + 4))
    assert 0 < redis.ttl(store.keys.furniture("a.example")) <= WINDOW.total_seconds()
