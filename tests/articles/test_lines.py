"""Plain text that somebody extracted from a page."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.clean import clean_text
from monitor.articles.lines import without_furniture
from monitor.model import Article, Watchlist
from monitor.watchlists.matcher import Matcher

CORPORA = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora"))

LEAD = (
    "Ministers from six countries met on Monday in Brussels to talk about grain, said Ada Lovelace."
)
BODY = (
    "They agreed that the talks, which nobody had expected to last, should go on in the spring of"
    " next year."
)
FLAT = f"""Advertisement

Updated 13 January 2026 at 08:09 IST

Grain talks run late: 'no end in sight'

Ministers from six countries met on Monday in Brussels to talk about grain

Reported by: Zoe Miller
Harbour
IMAGE: Agency/@photos | Image:self
Advertisement

{LEAD}

'Nobody had expected it,' says Poland

{BODY}
Read more: Potatoes rise in Peru

Published 13 January 2026 at 08:09 IST

Your Turn.

Send us your views.

Trending Now

Storm reaches Lisbon
3 minutes ago
UN
17 minutes ago
lalu, kharge
an hour ago
Whatsapp logo"""


def test_only_the_article_of_a_flattened_page_remains():
    page = clean_text(FLAT)
    assert page.title == "Grain talks run late: 'no end in sight'"
    assert page.text == f"{LEAD}\n'Nobody had expected it,' says Poland\n{BODY}"


@pytest.mark.parametrize(
    "text",
    [
        "NATO met.",
        "Trending\nUN",
        f"{LEAD}\n{BODY}",
        f"Di Maio tritt zurück\n{LEAD}\nBy the river, nothing moved\n{BODY}",
        f"{LEAD}\n'Comments are free'\n{BODY}\nHe was 71.",
        f"Score\n3-2\n{LEAD}\nPublished in 2019, the book sold well.\n{BODY}",
    ],
)
def test_text_without_furniture_stays_as_it_is(text):
    assert without_furniture(text) == text


def test_a_list_inside_the_text_is_removed_and_the_text_after_it_is_kept():
    listed = f"{LEAD}\nRelated stories\nStorm reaches Lisbon\nTen recipes\n{BODY}"
    assert without_furniture(listed) == f"{LEAD}\n{BODY}"


def test_headlines_with_relative_times_are_removed_anywhere():
    timed = f"{LEAD}\nStorm reaches Lisbon\nvor 3 Minuten\nUN\nhace 5 horas\n{BODY}"
    assert without_furniture(timed) == f"{LEAD}\n{BODY}"


def test_the_footer_that_weblogs_add_to_feeds_is_removed():
    text = f"{LEAD}\nThe post Grain talks appeared first on The Herald."
    assert without_furniture(text) == LEAD


@given(st.text(alphabet=st.sampled_from("ab.\n :©'"), max_size=200))
def test_the_remaining_lines_keep_their_order(text):
    remaining = iter(line.strip() for line in text.splitlines())
    assert all(line in remaining for line in without_furniture(text).splitlines())


@given(st.text())
def test_any_text_is_cleaned(text):
    clean_text(text)


def test_the_trending_list_of_a_real_flattened_page_matches_nothing():
    file = CORPORA / "seed" / "nato-russia-council.txt"
    if not file.exists():
        pytest.skip(f"no corpora in {CORPORA}: name them in PRESSWATCH_CORPORA")
    page = clean_text(file.read_text(encoding="utf-8"))
    article = Article("id", "", page.title, page.text, "", "")
    queries = ["UN", "Eknath Shinde", "Mukhtar Ansari", "Manipur", "Your Voice", "Advertisement"]
    queries += [
        "Whatsapp",
        "IST",
        "BREAKING",
        '"NATO-Russia Council"',
        '"We rejected those demands"',
    ]
    matches = Matcher([Watchlist(query, query) for query in queries]).match(article)
    assert [match.watchlist for match in matches] == queries[-2:]
    assert page.title.startswith("NATO, Moscow have 'no room")
    assert page.text.endswith("will represent Moscow.")


def test_hardly_any_line_of_real_articles_is_removed():
    if not CORPORA.is_dir():
        pytest.skip(f"no corpora in {CORPORA}: name them in PRESSWATCH_CORPORA")
    removed = count = 0
    for corpus in ("articles-benchmark", "articles-news"):
        gold = json.loads((CORPORA / corpus / "gold.json").read_text(encoding="utf-8"))
        for page in gold.values():
            lines = [line.strip() for line in page["body"].splitlines() if line.strip()]
            count += len(lines)
            removed += len(lines) - len(without_furniture(page["body"]).splitlines())
    assert removed <= count / 500
