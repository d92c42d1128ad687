"""Signs that belong to a name, in texts as they come, by watchlists and in the archive."""

import pytest

from monitor.model import Article, Watchlist
from monitor.watchlists.matcher import Matcher


def spans(query, text):
    (match,) = Matcher([Watchlist("w", query)]).match(Article("id", "", "", text, "", "")) or [None]
    return [text[start:end] for term in match.terms for start, end in term.spans] if match else []


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("AT&T", "AT&T, AT&amp and at & t, At&t’s", ["AT&T", "At&t’s"]),
        ("AT&T", "ＡＴ＆Ｔ", ["ＡＴ＆Ｔ"]),
        ("C++", "C++. C+ and C", ["C"]),
        ("C#", "F#, C#, C", ["C"]),
        (".NET", "It runs on .NET. The net.", ["NET"]),
        (".NET", "example.net ...net", []),
        ("case:AT&T", "at&t, AT&T", ["AT&T"]),
        ('exact:"AT&T Inc."', "AT&T Inc said; AT&T Inc. said", ["AT&T Inc"]),
        ('"C++ developer"', "a C developer, a C++ developer", ["C++ developer"]),
        ("title:C++ OR AT&T", "AT&T", ["AT&T"]),
        ("½%", "½ %", ["½"]),
        ("NATO AND NOT C++", "NATO in C", ["NATO"]),
        ('"1\u202f000 AT&T"', "1,000 AT&T", ["1,000 AT&T"]),
    ],
)
def test_a_sign_of_a_name_must_be_in_the_text(query, text, found):
    assert spans(query, text) == found
