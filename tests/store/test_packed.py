"""Alerts are packed, and read back as they were."""

import json
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Alert, as_json
from monitor.store.packed import packed, unpacked

DOCUMENT = {
    "v": 1,
    "id": "0123456789abcdef" * 2,
    "watchlist": "nato-russia",
    "priority": "high",
    "detected_at": "2026-11-23T09:00:00Z",
    "article": {
        "id": "fedcba9876543210" * 2,
        "url": "https://www.herald.example/2026/11/23/envoys-return",
        "title": "Envoys return to the table",
        "source": "Herald",
        "feed_url": "https://www.herald.example/rss",
        "authors": ["Ada Byron"],
        "published_at": "2026-11-23T08:58:00Z",
        "language": "en",
        "quality": "full",
    },
    "matches": [{"term": '"NATO-Russia Council"', "field": "body", "count": 3}],
    "snippets": [{"text": "… the NATO-Russia Council met …", "highlights": [[6, 25]]}],
    "story": {"id": "fedcba9876543210" * 2, "articles": 1},
}
ALERT = Alert(DOCUMENT["id"], "nato-russia", ("desk", "analysts"), DOCUMENT)


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_packed_is_read_back(text):
    assert unpacked(packed(text)).decode() == text


def test_an_alert_needs_half_of_its_size():
    text = as_json(ALERT)
    assert len(packed(text)) < len(text) / 2


def test_alerts_of_earlier_versions_are_read(redis, store):
    redis.set(store.keys.alert("old"), json.dumps({**json.loads(as_json(ALERT)), "id": "old"}))
    with redis.pipeline() as pipe:
        store.alerts.keep(ALERT, pipe)
        pipe.execute()
    assert store.alerts.get(ALERT.id) == ALERT
    assert [alert.id for alert in store.alerts.get_all(["old", ALERT.id])] == ["old", ALERT.id]
    assert redis.ttl(store.keys.alert(ALERT.id)) > timedelta(days=29).total_seconds()
