"""Differences that a reader would not mind make no difference to a match."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.watchlists.text import Text, fold, words_of


def words(text):
    return " ".join(Text(text).words)


@pytest.mark.parametrize(
    "spelling",
    [
        "NATO-Russia Council",
        "NATO\u2013Russia Council",
        "NATO\u2011Russia Council",
        "NATO\u2014Russia Council",
        "NATO\u2212Russia Council",
        "Nato-Russia\nCouncil",
        "NATO-Russia\u00a0Council",
        "NATO - Russia  Council",
        "NATO/Russia Council",
        "NATO-Russia Council's",
        "NATO-Russia Council\u2019s",
        "NA\u00adTO-Rus\u200bsia Council",
        "\uff2e\uff21\uff34\uff2f-Russia Council",
        "nato-russia council.",
        "\u201cNATO\u201d-Russia (Council)",
    ],
)
def test_all_spellings_of_a_name_give_the_same_words(spelling):
    assert words(spelling) == "nato russia council"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"),
        ("ΟΔΥΣΣΕΎΣ Ὀδυσσεύς", "οδυσσευσ οδυσσευσ"),
        ("São Paulo", "sao paulo"),
        ("Cafe\u0301", "cafe"),
        ("Łódź", "lodz"),
        ("Tromsø Đakovo Æsir Œuvre", "tromso dakovo aesir oeuvre"),
        ("ﬁnance", "finance"),
        ("U.S. troops in the U.S.A.", "us troops in the usa"),
        ("U.S.", "us"),
        ("1,000,000 or 1.000.000 or 1\u202f000\u202f000", "1000000 or 1000000 or 1000000"),
        ("3.5 percent, 2026", "3 5 percent 2026"),
        ("O'Brien O\u2019Brien", "o brien o brien"),
        ("l\u2019OTAN dell'Ucraina", "l otan dell ucraina"),
        ("the boss's, it's, 'scuse", "the boss it scuse"),
        ("#Ukraine @NATO", "ukraine nato"),
        ("e-mail", "e mail"),
        ("北京大学", "北 京 大 学"),
        ("東京へ行く NATO本部", "東 京 へ 行 く nato 本 部"),
        ("हिन्दी", "हिन्दी"),
        ("がぎぐ かきく", "が ぎ ぐ か き く"),
        ("서울 대한민국", "서울 대한민국"),
        ("½", "1 2"),
        ("ヿ", "コ ト"),
        ("U.K.'s and U.S.\u2019s", "uk and us"),
        ("Лук'янов Лук\u2019янов Лук\u02bcянов", "лук янов лук янов лук янов"),
        ("NATO\u02bcs \u2068NATO\u2069's", "nato nato"),
        ("\u25b6\ufe0fNATO", "nato"),
        ("葛\U000e0100飾", "葛 飾"),
        ("ｶﾞｽ", "ガ ス"),
        ("ครู ป่า ป้า", "ค รู ป่ า ป้ า"),
        ("ຄູ", "ຄູ"),
        ("مُحَمَّد مـــحمد أحمد", "محمد محمد احمد"),
        ("שָׁלוֹם", "שלום"),
        ("Người Việt", "nguoi viet"),
        ("... — !", ""),
        ("", ""),
    ],
)
def test_words_are_folded(text, folded):
    assert words(text) == folded


@given(st.text(max_size=200))
def test_every_span_points_at_its_token(text):
    tokens = Text(text)
    assert len(tokens.words) == len(tokens.spans)
    last = 0
    for word, (start, end) in zip(tokens.words, tokens.spans, strict=True):
        assert 0 <= start < end <= len(text)
        assert last <= start or (start, end) == tokens.spans[tokens.words.index(word)]
        last = start
        assert word
        assert " " not in word


@given(st.text(max_size=200))
@example("1\u2009000 caf\u00e9s")
def test_words_are_the_same_with_and_without_their_places(text):
    assert words_of(text) == Text(text).words


@given(st.text(max_size=50))
def test_folded_words_fold_to_themselves(text):
    for word in Text(text).words:
        assert fold(word) == word
        assert Text(word).words == [word]


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=100))
def test_case_makes_no_difference(text):
    assert Text(text.upper()).words == Text(text.lower()).words


LATIN = st.characters(max_codepoint=0x24F, categories=["L"])


@given(
    st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=50)
    | st.text(alphabet=LATIN, min_size=1, max_size=50)
)
def test_a_plain_word_is_split_as_any_other_is(word):
    # The parenthesis keeps the second one from the short cut.
    short, long = Text(word), Text(f"({word}")
    assert short.words == long.words
    assert [(start + 1, end + 1) for start, end in short.spans] == long.spans
