"""Loads pages with gold texts, and scores extractors on them, for the benchmarks."""

import gzip
import json
import os
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CORPORA = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora"))
NAMES = ("articles-benchmark", "articles-news")
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class GoldPage:
    """A page with its gold text, names in that text, and names that are only in the furniture."""

    corpus: str
    name: str
    publisher: str
    html: bytes
    body: str
    inside: tuple[str, ...]
    outside: tuple[str, ...]


def pages():
    """Returns the pages of the development splits."""
    if not CORPORA.is_dir():
        sys.exit(f"no corpora in {CORPORA}; set PRESSWATCH_CORPORA to their folder")
    gold_pages = []
    for corpus in NAMES:
        gold, split, terms = (
            json.loads((CORPORA / corpus / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("gold", "split", "terms")
        )
        for name in split["dev"]:
            names = terms.get(name, {"yes": (), "no": ()})
            packed = (CORPORA / corpus / "pages" / f"{name}.html.gz").read_bytes()
            html = gzip.decompress(packed)
            gold_pages.append(
                GoldPage(
                    corpus, name, publisher(gold[name].get("url") or name), html,
                    gold[name]["body"], tuple(names["yes"]), tuple(names["no"]),
                )
            )  # fmt: skip
    return gold_pages


def wcxb(folder):
    """Returns the article pages of the Web Content Extraction Benchmark.

    M. Foley, 2026; CC BY 4.0. `folder` is a clone of it.
    """
    gold_pages = []
    for file in sorted(Path(folder).glob("*/ground-truth/*.json")):
        page = json.loads(file.read_text(encoding="utf-8"))
        html = file.parents[1] / "html" / f"{file.stem}.html.gz"
        gold = page["ground_truth"]
        kind = page["_internal"]["page_type"]["primary"]
        if kind == "article" and gold.get("main_content") and html.exists():
            name = f"{file.parents[1].name}-{file.stem}"
            gold_pages.append(
                GoldPage(
                    "wcxb", name, publisher(page.get("url") or name),
                    gzip.decompress(html.read_bytes()), gold["main_content"],
                    (), (),
                )
            )  # fmt: skip
    return gold_pages


def newspaper4k(html, url):
    """Returns newspaper4k's article of a page, without fetching pictures.

    None if it is not installed, or lacks a package for the page's language.
    """
    try:
        import newspaper

        article = newspaper.Article(url, fetch_images=False, follow_meta_refresh=False)
        article.download(input_html=html)
        article.parse()
    except ImportError:
        return None
    return article


def publisher(url):
    """Returns roughly the registered domain of a URL."""
    labels = (urlsplit(url).hostname or url).split(".")
    second = -2 if len(labels) < 3 or len(labels[-2]) > 3 else -3
    return ".".join(labels[second:])


def groups(gold_pages, parts):
    """Returns a part for each page; parts are of similar size, and no publisher is in two."""
    sizes = Counter(page.publisher for page in gold_pages)
    part_of, filled = {}, [0] * parts
    for name, size in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])):
        smallest = filled.index(min(filled))
        part_of[name] = smallest
        filled[smallest] += size
    return [part_of[page.publisher] for page in gold_pages]


def shingles(text):
    """Counts the shingles of a text, four words each; a shorter text is one shingle."""
    words = WORD.findall(text)
    if len(words) < 4:
        return Counter([tuple(words)]) if words else Counter()
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def fold(text):
    """Returns the words of a text without case, with a space around each, to look up names."""
    return f" {' '.join(WORD.findall(text.casefold()))} "


def scores(page, text):
    """Returns precision, recall, and how many names inside and outside the gold text are in `text`."""
    gold, extracted = shingles(page.body), shingles(text)
    common = (gold & extracted).total()
    folded = fold(text)
    return (
        common / extracted.total() if extracted else float(not gold),
        common / gold.total() if gold else 1.0,
        sum(fold(name) in folded for name in page.inside),
        sum(fold(name) in folded for name in page.outside),
    )


def summary(gold_pages, texts):
    """Returns F1, alert recall and false alerts for each corpus, as `score.py` computes them."""
    by_corpus = defaultdict(list)
    for page in gold_pages:
        by_corpus[page.corpus].append((page, scores(page, texts[page.name])))
    result = {}
    for corpus, rows in by_corpus.items():
        precision = sum(row[0] for _, row in rows) / len(rows)
        recall = sum(row[1] for _, row in rows) / len(rows)
        result[corpus] = (
            2 * precision * recall / ((precision + recall) or 1),
            sum(row[2] for _, row in rows) / sum(len(page.inside) for page, _ in rows),
            sum(row[3] for _, row in rows) / sum(len(page.outside) for page, _ in rows),
        )
    return result


def show(name, texts, gold_pages):
    """Prints one line of the table."""
    cells = [
        f"{f1:.3f}  {recall:.3f}  {false:5.1%}"
        for f1, recall, false in summary(gold_pages, texts).values()
    ]
    print(f"{name:<28} " + "   ".join(cells), flush=True)
