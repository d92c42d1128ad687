"""Measures how well and how fast titles, authors and dates are read, beside other extractors.

    python tests/bench/metadata.py [--worst N]

Prints for each extractor the share of pages with the right title, with exactly the right authors,
F1 of authors' names, and the share of pages with the right day and, if gold has a time with a zone,
the right minute; each as right/wrong/missing. Extractors that are not installed are skipped.
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
    about = metadata(tree, list(json_ld(tree)), url=url)
    seconds = time.perf_counter() - began
    return about.title, about.authors, about.published_at, seconds


def trafilatura(html, url):
    began = time.perf_counter()
    document = bare_extraction(decode(html, None), url=url, with_metadata=True)
    seconds = time.perf_counter() - began
    about = document.as_dict() if document else {}
    authors = [name for name in re.split(r"\s*;\s*", about.get("author") or "") if name]
    date = about.get("date")
    return about.get("title"), authors, datetime.fromisoformat(date) if date else None, seconds


def newspaper(html, url):
    began = time.perf_counter()
    article = newspaper4k(decode(html, None), url)
    seconds = time.perf_counter() - began
    if article is None:
        return "", (), None, seconds
    return article.title, article.authors, article.publish_date, seconds


def extractors():
    yield "trafilatura, default", trafilatura
    if find_spec("newspaper"):
        yield "newspaper4k", newspaper
    yield "presswatch", ours


def comparable(text):
    text = (text or "").translate(QUOTES).replace("\u00ad", "").casefold()
    return " ".join(re.sub(r"[\"']", "", text).split())


def in_utc(moment):
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def verdict(is_right, value):
    return "right" if is_right else "wrong" if value else "missing"


def judge(gold, title, authors, published):
    """Returns verdicts for title, authors, day and minute, and counts of authors' names."""
    wanted = {comparable(name) for name in gold["authors"] or ()}
    named = {comparable(name) for name in authors}
    date = datetime.fromisoformat(gold["date"])
    # A gold date without a zone may be midnight, or a local time anywhere.
    days = {date.date(), in_utc(date).date()}
    verdicts = {
        "title": verdict(comparable(title) == comparable(gold["title"]), title),
        "authors": verdict(wanted == named, named),
        "day": verdict(
            published and days & {published.date(), in_utc(published).date()}, published
        ),
    }
    if date.tzinfo:
        apart_s = abs(in_utc(published) - in_utc(date)).total_seconds() if published else None
        verdicts["minute"] = verdict(apart_s is not None and apart_s < 60, published)
    return verdicts, (len(wanted & named), len(wanted), len(named))


def cell(counts):
    total = counts.total() or 1
    return "/".join(f"{counts[kind] / total:.1%}" for kind in ("right", "wrong", "missing"))


def measure(name, extract, gold_pages, gold):
    """Prints a line of the table, and returns the fields that are wrong or missing."""
    counts, names, times_ms, wrong = {}, Counter(), [], []
    for page in gold_pages:
        title, authors, published, seconds = extract(page.html, gold[page.name]["url"])
        times_ms.append(seconds * 1000)
        verdicts, (common, wanted, named) = judge(gold[page.name], title, authors, published)
        names.update(common=common, wanted=wanted, named=named)
        for kind, result in verdicts.items():
            counts.setdefault(kind, Counter())[result] += 1
            if result != "right":
                wrong.append((kind, page.name, (title, list(authors), published)))
    f1 = 2 * names["common"] / ((names["wanted"] + names["named"]) or 1)
    print(
        f"{name:<22}" + "".join(f"{cell(counts[kind]):>19}" for kind in ("title", "authors"))
        + f"{f1:>7.3f}" + "".join(f"{cell(counts[kind]):>19}" for kind in ("day", "minute"))
        + f"{statistics.mean(times_ms):>8.1f}{statistics.median(times_ms):>8.1f}",
        flush=True,
    )  # fmt: skip
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worst", type=int, default=0)
    parser.add_argument("--only", default="", help="only extractors whose name begins with this")
    arguments = parser.parse_args()
    gold = json.loads((CORPORA / CORPUS / "gold.json").read_text(encoding="utf-8"))
    gold_pages = [page for page in pages() if page.corpus == CORPUS]
    print(f"{len(gold_pages)} pages of {CORPORA / CORPUS}: right/wrong/missing; ms a page")
    heads = ("title", "authors", "F1", "day", "minute", "mean", "median")
    widths = (19, 19, 7, 19, 19, 8, 8)
    print(" " * 22 + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)))
    wrong = []
    for name, extract in extractors():
        if name.startswith(arguments.only):
            wrong = measure(name, extract, gold_pages, gold)
    fields = {
        "title": ("title", 0),
        "authors": ("authors", 1),
        "day": ("date", 2),
        "minute": ("date", 2),
    }
    for kind, page, values in sorted(wrong)[: arguments.worst]:
        key, index = fields[kind]
        print(f"{kind} of {page}\n  gold {gold[page][key]!s:.200}\n  ours {values[index]!s:.200}")


main()
