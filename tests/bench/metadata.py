"""How well and how fast title, authors and day of articles are found, beside other extractors.

    python tests/bench/metadata.py [--worst N]

Prints for each extractor the share of pages with the right title, with exactly the right authors,
F1 of authors' names, and the share of pages with the right day and, where gold has a time with a
zone, the right minute; each as right/wrong/missing. Extractors that are not installed are left out.
"""

import argparse
import json
import re
import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.util import find_spec

from corpora import CORPORA, newspaper4k, pages
from trafilatura import bare_extraction

from monitor.articles.markup import decode, parse
from monitor.articles.metadata import metadata
from monitor.articles.structured import json_ld

CORPUS = "articles-news"
QUOTES = str.maketrans("“”„‟«»‘’‚‛`´‹›–—−", "\"\"\"\"\"\"''''''''---")


def ours(html, url):
    tree = parse(decode(html, None))
    began = time.perf_counter()
    found = metadata(tree, list(json_ld(tree)), url=url)
    took = time.perf_counter() - began
    return found.title, found.authors, found.published_at, took


def trafilatura(html, url):
    began = time.perf_counter()
    found = bare_extraction(decode(html, None), url=url, with_metadata=True)
    took = time.perf_counter() - began
    said = found.as_dict() if found else {}
    authors = [name for name in re.split(r"\s*;\s*", said.get("author") or "") if name]
    date = said.get("date")
    return said.get("title"), authors, datetime.fromisoformat(date) if date else None, took


def newspaper(html, url):
    began = time.perf_counter()
    article = newspaper4k(decode(html, None), url)
    took = time.perf_counter() - began
    if article is None:
        return "", (), None, took
    return article.title, article.authors, article.publish_date, took


def extractors():
    yield "trafilatura, default", trafilatura
    if find_spec("newspaper"):
        yield "newspaper4k", newspaper
    yield "presswatch", ours


def same_text(text):
    text = (text or "").translate(QUOTES).replace("\u00ad", "").casefold()
    return " ".join(re.sub(r"[\"']", "", text).split())


def in_utc(moment):
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def judged(right, there):
    return "right" if right else "wrong" if there else "missing"


def judge(gold, title, authors, published):
    """What is right of what was found: of title, authors, day and minute."""
    want = {same_text(name) for name in gold["authors"] or ()}
    have = {same_text(name) for name in authors}
    said = datetime.fromisoformat(gold["date"])
    # What is said in local time alone may be a day's beginning, or be in any zone.
    days = {said.date(), in_utc(said).date()}
    found = {
        "title": judged(same_text(title) == same_text(gold["title"]), title),
        "authors": judged(want == have, have),
        "day": judged(published and days & {published.date(), in_utc(published).date()}, published),
    }
    if said.tzinfo:
        apart = abs(in_utc(published) - in_utc(said)).total_seconds() if published else None
        found["minute"] = judged(apart is not None and apart < 60, published)
    return found, (len(want & have), len(want), len(have))


def cell(counts):
    every = counts.total() or 1
    return "/".join(f"{counts[kind] / every:.1%}" for kind in ("right", "wrong", "missing"))


def measure(name, extract, found, gold):
    """Prints a line of the table, and returns what is wrong."""
    counts, names, took, wrong = {}, Counter(), [], []
    for page in found:
        title, authors, published, seconds = extract(page.html, gold[page.name]["url"])
        took.append(seconds * 1000)
        verdicts, (common, want, have) = judge(gold[page.name], title, authors, published)
        names.update(common=common, want=want, have=have)
        for kind, verdict in verdicts.items():
            counts.setdefault(kind, Counter())[verdict] += 1
            if verdict != "right":
                wrong.append((kind, page.name, (title, list(authors), published)))
    f1 = 2 * names["common"] / ((names["want"] + names["have"]) or 1)
    print(
        f"{name:<22}" + "".join(f"{cell(counts[kind]):>19}" for kind in ("title", "authors"))
        + f"{f1:>7.3f}" + "".join(f"{cell(counts[kind]):>19}" for kind in ("day", "minute"))
        + f"{statistics.mean(took):>8.1f}{statistics.median(took):>8.1f}",
        flush=True,
    )  # fmt: skip
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worst", type=int, default=0)
    parser.add_argument("--only", default="", help="extractors whose name begins so")
    arguments = parser.parse_args()
    gold = json.loads((CORPORA / CORPUS / "gold.json").read_text(encoding="utf-8"))
    found = [page for page in pages() if page.corpus == CORPUS]
    print(f"{len(found)} pages of {CORPORA / CORPUS}: right/wrong/missing; ms a page")
    heads = ("title", "authors", "F1", "day", "minute", "mean", "median")
    widths = (19, 19, 7, 19, 19, 8, 8)
    print(" " * 22 + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)))
    wrong = []
    for name, extract in extractors():
        if name.startswith(arguments.only):
            wrong = measure(name, extract, found, gold)
    at = {
        "title": ("title", 0),
        "authors": ("authors", 1),
        "day": ("date", 2),
        "minute": ("date", 2),
    }
    for kind, page, said in sorted(wrong)[: arguments.worst]:
        key, place = at[kind]
        print(f"{kind} of {page}\n  gold {gold[page][key]!s:.200}\n  ours {said[place]!s:.200}")


main()
