"""Makes up coverage for the benchmarks of the archive: articles and alerts, the same at every run.

The paragraphs are those of the real articles of the corpora, mixed, or made up where there are no
corpora. Every article also has words that few others have, as names are.
"""

import json
import random
from datetime import UTC, datetime, timedelta

from corpora import CORPORA, NAMES

from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article, content_id

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
# A median of 450 words, as news articles have, and a mean of 550.
MEDIAN_WORDS, SPREAD = 450, 0.6
RARE_WORDS = 200_000
ALERTED = 1 / 3
SYLLABLES = "ba de fi go hu ka le mi no pu ra se ti vo wu za chi sha tru gro".split()
COMMON = "the of and to in a that for on with is as by was at from it an be this".split()
# What the queries of the benchmark look for, and in one article of how many.
PLANTED = (
    (3_000, "the glacier of Zugspitze"),
    (2_000, "said Kristalina Oduya-Brandt, the envoy"),
    (1_000, "the Straße of Hormuz"),
    (500, "\u5317\u4eac\u5927\u5b66\u306e\u5b66\u751f"),
    (100, "a carbon border levy"),
)


def coverage(count, begin=BEGIN, alerted=ALERTED):
    """Yields records in the order of time, over a year, of articles and the alerts on a share."""
    rng = random.Random(0)
    paragraphs = _paragraphs(rng)
    step = timedelta(days=365) / count
    sources = [f"{_name(rng)} {_name(rng)}" for _ in range(300)]
    for number in range(count):
        yield _record(number, begin + number * step, rng, paragraphs, sources, alerted)


def _record(number, at, rng, paragraphs, sources, alerted):
    source = sources[min(int(rng.expovariate(1 / 40)), len(sources) - 1)]
    host = f"{source.replace(' ', '').lower()}.example"
    wanted = rng.lognormvariate(0, SPREAD) * MEDIAN_WORDS
    body, words = [], 0
    while words < wanted:
        language, paragraph = rng.choice(paragraphs)
        body.append(paragraph)
        words += max(paragraph.count(" ") + 1, len(paragraph) // 6)
    names = " ".join(_rare(rng) for _ in range(8))
    planted = [text for rarity, text in PLANTED if rng.random() < 1 / rarity]
    body.insert(len(body) // 2, ". ".join([names, *planted]))
    title = f"{_rare(rng)} {' '.join(body[0].split()[:8])}"[:120]
    article = Article(
        content_id(str(number)), f"https://www.{host}/{at:%Y/%m}/{number}-{_name(rng)}", title,
        "\n".join(body), source, f"https://{host}/feed", ("news",), (f"{_name(rng)} {_name(rng)}",),
        at, language, story=content_id("story", str(number // 3)),
    )  # fmt: skip
    if rng.random() > alerted:
        return Record(publication=Publication(at, article))
    return Record(
        publication=Publication(
            at,
            article,
            (MatchRecord("names", content_id("alert", article.id)),),
            (_alert(article, at),),
        )
    )


def _alert(article, at):
    return {
        "v": 1, "id": content_id("alert", article.id), "watchlist": "names", "priority": "normal",
        "detected_at": at.isoformat(),
        "article": {
            "id": article.id, "url": article.url, "title": article.title, "source": article.source,
            "feed_url": article.feed_url, "authors": list(article.authors),
            "published_at": at.isoformat(), "language": article.language,
        },
        "matches": [{"term": "names", "field": "body", "count": 3}],
        "snippets": [
            {"text": article.text[start : start + 240], "highlights": [[10, 20]]}
            for start in (0, 300, 600)
        ],
        "story": {"id": article.story, "articles": 1},
    }  # fmt: skip


def _paragraphs(rng):
    """Returns paragraphs with their languages."""
    found = []
    for corpus in NAMES:
        gold = CORPORA / corpus / "gold.json"
        if not gold.exists():
            continue
        for page in json.loads(gold.read_text(encoding="utf-8")).values():
            texts = [" ".join(line.split()) for line in (page["body"] or "").split("\n")]
            language = (page.get("language") or "en")[:2]
            found += [(language, text) for text in texts if 40 <= len(text) <= 1_500]
    return found or [("en", _made_up(rng)) for _ in range(5_000)]


def _made_up(rng):
    words = [rng.choice(COMMON) if rng.random() < 0.4 else _name(rng) for _ in range(60)]
    return f"{' '.join(words)}."


def _name(rng):
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 3)))


def _rare(rng):
    """Returns a word from a list that follows Zipf's law beyond its most common words."""
    number = int(RARE_WORDS ** rng.random())
    return "".join(SYLLABLES[number // 20**place % 20] for place in range(4)).capitalize()
