"""What is muted, as all processes see it."""

from datetime import UTC, datetime, timedelta

from monitor.alerts.mutes import Mute
from monitor.store import Store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def mute(subject, since=NOW, until=None):
    return Mute("nato", "source", subject, subject, since, until)


def test_mutes_are_listed_newest_first_until_they_end(store):
    store.mutes.add(mute("Herald", NOW - timedelta(days=2), NOW + timedelta(hours=1)))
    store.mutes.add(mute("Ünder\n<b>"))
    store.mutes.add(mute("Gazette", NOW - timedelta(days=1)))
    subjects = [each.subject for each in store.mutes.all(NOW)]
    assert subjects == ["Ünder\n<b>", "Gazette", "Herald"]
    assert [each.subject for each in store.mutes.all(NOW + timedelta(hours=1))] == subjects[:2]


def test_to_mute_again_replaces_the_mute(store):
    store.mutes.add(mute("Herald"))
    store.mutes.add(mute("Herald", until=NOW + timedelta(days=1)))
    assert [each.until for each in store.mutes.all(NOW)] == [NOW + timedelta(days=1)]


def test_mutes_that_have_ended_do_not_pile_up(store, redis):
    store.mutes.add(mute("Herald", until=NOW + timedelta(days=1)))
    store.mutes.add(mute("Gazette", since=NOW + timedelta(days=2)))
    assert redis.hlen("presswatch:mutes") == 1


def test_other_processes_see_a_mute_within_seconds(store, redis, monkeypatch):
    other = Store(redis, "presswatch:", timedelta(days=30))
    assert other.mutes.latest(NOW) == []
    store.mutes.add(mute("Herald"))
    assert other.mutes.latest(NOW) == []
    monkeypatch.setattr("monitor.store.mutes.FRESH_S", 0)
    assert len(other.mutes.latest(NOW)) == 1
