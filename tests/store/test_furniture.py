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


def test_traces_are_bounded_in_number(store, redis):
    remember(store, "a.example", *map(page, range(2 * MAX_PAGES)))
    traces = store.furniture.traces("a.example")
    assert (len(traces), traces[0]) == (MAX_PAGES, page(2 * MAX_PAGES - 1))
    assert redis.llen(store.keys.furniture("a.example")) < 2 * MAX_PAGES


def test_traces_of_a_host_expire_a_day_after_they_are_of_use_at_the_latest(store, redis):
    key, day = store.keys.furniture("a.example"), 86_400
    begin = page(1)
    remember(store, "a.example", begin)
    assert WINDOW.total_seconds() <= redis.ttl(key) <= WINDOW.total_seconds() + day
    redis.expire(key, 60)
    remember(store, "a.example", Trace(begin.at + day - 1, b"same", b"day.", ()))
    assert redis.ttl(key) <= 60
    remember(store, "a.example", Trace(begin.at + 2 * day, b"next", b"day.", ()))
    assert redis.ttl(key) >= WINDOW.total_seconds()
