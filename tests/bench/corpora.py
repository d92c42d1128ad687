"""Pages with gold texts, and how an extractor is scored on them; for the benchmarks."""

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
class Page:
    """A page, its gold text, and names that stand in it and only around it."""

    corpus: str
    name: str
    publisher: str
    html: bytes
    body: str
    inside: tuple[str, ...]
    outside: tuple[str, ...]


def pages():
    """All pages that are there to develop on."""
    if not CORPORA.is_dir():
        sys.exit(f"no corpora in {CORPORA}; name them in PRESSWATCH_CORPORA")
    found = []
    for corpus in NAMES:
        gold, split, terms = (
            json.loads((CORPORA / corpus / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("gold", "split", "terms")
        )
        for name in split["dev"]:
            asked = terms.get(name, {"yes": (), "no": ()})
            packed = (CORPORA / corpus / "pages" / f"{name}.html.gz").read_bytes()
            html = gzip.decompress(packed)
            found.append(
                Page(
                    corpus, name, publisher(gold[name].get("url") or name), html,
                    gold[name]["body"], tuple(asked["yes"]), tuple(asked["no"]),
                )
            )  # fmt: skip
    return found


def wcxb(folder):
    """The article pages of the Web Content Extraction Benchmark (M. Foley, 2026; CC BY 4.0)."""
    found = []
    for file in sorted(Path(folder).glob("*/ground-truth/*.json")):
        known = json.loads(file.read_text(encoding="utf-8"))
        html = file.parents[1] / "html" / f"{file.stem}.html.gz"
        gold = known["ground_truth"]
        kind = known["_internal"]["page_type"]["primary"]
        if kind == "article" and gold.get("main_content") and html.exists():
            name = f"{file.parents[1].name}-{file.stem}"
            found.append(
                Page(
                    "wcxb", name, publisher(known.get("url") or name),
                    gzip.decompress(html.read_bytes()), gold["main_content"],
                    (), (),
                )
            )  # fmt: skip
    return found


def newspaper4k(html, url):
    """What newspaper4k makes of a page, without asking the network for pictures.

    None where it is not installed, or lacks what it needs for the page's language.
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
    """A host without what comes before the registered name, roughly."""
    labels = (urlsplit(url).hostname or url).split(".")
    second = -2 if len(labels) < 3 or len(labels[-2]) > 3 else -3
    return ".".join(labels[second:])


def groups(found, parts):
    """A part for each page, about equally large, with each publisher in one of them only."""
    sizes = Counter(page.publisher for page in found)
    part_of, filled = {}, [0] * parts
    for name, size in sorted(sizes.items(), key=lambda one: (-one[1], one[0])):
        smallest = filled.index(min(filled))
        part_of[name] = smallest
        filled[smallest] += size
    return [part_of[page.publisher] for page in found]


def shingles(text):
    words = WORD.findall(text)
    if len(words) < 4:
        return Counter([tuple(words)]) if words else Counter()
    return Counter(zip(words, words[1:], words[2:], words[3:], strict=False))


def fold(text):
    return f" {' '.join(WORD.findall(text.casefold()))} "


def scores(page, text):
    """Precision, recall, and how many of the names inside and outside were found."""
    want, have = shingles(page.body), shingles(text)
    common = (want & have).total()
    folded = fold(text)
    return (
        common / have.total() if have else float(not want),
        common / want.total() if want else 1.0,
        sum(fold(name) in folded for name in page.inside),
        sum(fold(name) in folded for name in page.outside),
    )


def summary(found, texts):
    """F1, recall of alerts and false alerts for each corpus, as `score.py` computes them."""
    by_corpus = defaultdict(list)
    for page in found:
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


def show(name, texts, found):
    """One line of a table."""
    cells = [
        f"{f1:.3f}  {recall:.3f}  {false:5.1%}"
        for f1, recall, false in summary(found, texts).values()
    ]
    print(f"{name:<28} " + "   ".join(cells), flush=True)
