"""Pages for benchmarks: real ones that a watchlist is sure to match, and made-up ones of any size."""

import random
import re
from functools import cache

from corpora import CORPORA, pages
from matcher import articles, watchlists

from monitor.articles.clean import clean
from monitor.errors import CleanError
from monitor.model import Article

# A word that is in no page of its own accord, and the watchlist for it.
WORD = "Presswatchmark"
MARKED = {"name": "marked", "query": WORD, "once_per": "none"}
URGENT_WORD = "Presswatchurgent"
URGENT = {"name": "urgent", "query": URGENT_WORD, "once_per": "none", "priority": "high"}
NO_CORPORA = f"no corpora in {CORPORA}; set PRESSWATCH_CORPORA to their folder"
PARAGRAPH = re.compile(rb"<p(?:\s[^<>]*)?>([^<]{40,})")
SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi zo ka le mi no pu ra".split()


@cache
def real_pages():
    """Returns the corpora's pages, with `WORD` at the start of the longest paragraph of each.

    Only those that are cleaned to an article with that word; an empty tuple without the corpora.
    """
    if not CORPORA.is_dir():
        return ()
    return tuple(html for html in map(_marked, _all_pages()) if WORD in text_of(html))


def _all_pages():
    return [page.html for page in pages()]


def _marked(html):
    longest = max(PARAGRAPH.finditer(html), key=lambda found: len(found[1]), default=None)
    if longest is None:
        return html
    return b"%b%b. %b" % (html[: longest.start(1)], WORD.encode(), html[longest.start(1) :])


def text_of(html):
    """Returns the article on a page, or ""."""
    try:
        return clean(html).text
    except CleanError:
        return ""


def article_of(html):
    """Returns a cleaned page as an article, to match it."""
    return Article("id", "https://a.example/", "", text_of(html), "", "")


@cache
def many_watchlists(count):
    """Returns watchlists as in the matcher's benchmark, few of which match, and `MARKED`."""
    texts = [article.text for article in articles()]
    made = watchlists(count, texts, random.Random(count), present=0.02)
    return [MARKED, *({"name": each.name, "query": each.query} for each in made)]


def made_up_page(number, *, paragraphs=6, words=60, mark=WORD):
    """Returns a page of an outlet's usual form; its words are its own, but for the mark."""
    rng = random.Random(number)
    texts = [_sentences(rng, words) for _ in range(paragraphs)]
    if mark:
        texts[0] = f"{mark} met. {texts[0]}"
    body = "\n".join(f"<p>{text}</p>" for text in texts)
    title = f"Report {number} of {_word(rng)} and {_word(rng)}"
    return (
        f'<!doctype html><html lang="en"><head><title>{title} | Herald</title></head><body>'
        '<header><nav><a href="/">Home</a> <a href="/world">World</a></nav></header>'
        f"<main><article><h1>{title}</h1>{body}</article></main>"
        '<aside class="trending"><h2>Trending</h2><ul><li><a href="/x">Ten recipes</a></li></ul>'
        "</aside><footer>All rights reserved</footer></body></html>"
    ).encode()


def _sentences(rng, words):
    text = [_word(rng) for _ in range(words)]
    return (
        ". ".join(" ".join(text[at : at + 12]).capitalize() for at in range(0, len(text), 12)) + "."
    )


def _word(rng):
    return "".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3))))
