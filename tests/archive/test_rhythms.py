"""When watchlists alerted, and how well feeds' articles were read, in both databases."""

from datetime import timedelta

from monitor.archive.rhythms import alert_days, readings

DAY = timedelta(days=1)


def test_the_days_of_alerts_are_those_on_which_there_was_any(writer, engine, publication, morning):
    records = [publication(name, at=morning - n * DAY) for n, name in enumerate("abdd")]
    assert writer.write([*records, publication("e", at=morning)]) == []
    today = int(morning.timestamp()) // 86_400
    assert alert_days(engine, morning - 2.5 * DAY) == {"nato": {today, today - 1, today - 2}}


def test_readings_count_articles_and_those_read_in_full_from_their_pages(
    writer, engine, publication, morning
):
    other = "https://gazette.example/feed"
    records = [
        publication("whole", "Long. " * 50, at=morning),
        publication("words", at=morning, text_from="feed", quality="feed"),
        publication("teaser", at=morning, quality="teaser"),
        publication("other", at=morning, feed_url=other),
        publication("old", at=morning - 2 * DAY),
    ]
    assert writer.write(records) == []
    found = readings(engine, morning - DAY, morning + DAY)
    assert {url: (each.articles, each.whole) for url, each in found.items()} == {
        "https://herald.example/feed": (3, 1),
        other: (1, 1),
    }
    assert all(each.mean_bytes > 0 for each in found.values())
    assert readings(engine, morning + DAY, morning + 2 * DAY) == {}
