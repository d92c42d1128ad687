"""Measures how well and how fast pages are cleaned, in comparison with other extractors.

    python tests/bench/cleaning.py [--worst N]

Prints for each extractor, on the pages of the corpora: F1 of word 4-shingles, the share of names in
the article that are in its text (alert recall), the share of names only in the furniture that are in
its text (false alerts), and the time a page takes. The model was trained on these pages:
`train_cleaning.py` measures it on publishers that it has not seen. Extractors that are not installed
are skipped.
"""

import argparse
import statistics
import time
from functools import partial
from importlib.util import find_spec

from corpora import CORPORA, newspaper4k, pages, scores, shingles, show
from trafilatura import bare_extraction

from monitor.articles.blocks import blocks
from monitor.articles.clean import clean
from monitor.articles.markup import decode, parse
from monitor.errors import CleanError


def ours(page):
    try:
        return clean(page.html).text
    except CleanError:
        return ""


def whole(page):
    return "\n".join(block.text for block in blocks(parse(decode(page.html, None))))


def trafilatura(page, **options):
    document = bare_extraction(
        decode(page.html, None), with_metadata=True, include_comments=False, **options
    )
    return (document.text if document else "") or ""


def newspaper(page):
    article = newspaper4k(decode(page.html, None), "https://example.org/")
    return article.text if article else ""


def extractors():
    yield "the page's whole text", whole
    try:
        from resiliparse.extract.html2text import extract_plain_text
    except ImportError:
        pass
    else:
        yield (
            "resiliparse",
            lambda page: extract_plain_text(
                decode(page.html, None), main_content=True, alt_texts=False
            ),
        )
    if find_spec("newspaper"):
        yield "newspaper4k", newspaper
    yield "trafilatura, fast", partial(trafilatura, fast=True)
    yield "trafilatura, default", trafilatura
    yield "trafilatura, precision", partial(trafilatura, favor_precision=True)
    yield "presswatch", ours


def wrong(page, text):
    """Returns the lines of the gold text that are missing, and the lines that are not in it."""
    gold, taken = shingles(page.body), shingles(text)
    return {
        "lost": [line for line in page.body.splitlines() if not_in(line, taken)],
        "taken": [line for line in text.splitlines() if not_in(line, gold)],
    }


def not_in(line, text_shingles):
    line_shingles = shingles(line)
    return (line_shingles & text_shingles).total() * 2 < line_shingles.total()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worst", type=int, default=10)
    arguments = parser.parse_args()
    gold_pages = pages()
    print(f"{len(gold_pages)} pages of {CORPORA}: F1, alert recall, false alerts for each corpus")
    mean_ms = {}
    for name, extract in extractors():
        texts, times_ms = {}, []
        for page in gold_pages:
            began = time.perf_counter()
            texts[page.name] = extract(page)
            times_ms.append((time.perf_counter() - began) * 1000)
        show(name, texts, gold_pages)
        mean_ms[name] = statistics.mean(times_ms)
        print(f"{'':<28} {mean_ms[name]:.1f} ms a page, median {statistics.median(times_ms):.1f}")
    ratio = mean_ms["presswatch"] / mean_ms["trafilatura, default"]
    print(f"presswatch takes {ratio:.2f} times as long as trafilatura's default")
    rows = sorted((sum(scores(page, texts[page.name])[:2]), page.name) for page in gold_pages)
    print("worst (precision + recall):")
    by_name = {page.name: page for page in gold_pages}
    for total, name in rows[: arguments.worst]:
        print(f"  {total:.2f} {name}")
        for fault, lines in wrong(by_name[name], texts[name]).items():
            if lines:
                words = sum(len(line.split()) for line in lines)
                print(f"       {fault} {words} words: {max(lines, key=len)[:90]}")


main()
