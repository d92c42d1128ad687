"""Tests of decoding feeds."""

import pytest

from monitor.feeds.text import decode, mend

WORDS = {
    "ru": "Министры встретились в Москве, чтобы обсудить поставки зерна. Переговоры продлились до ночи.",
    "fr": "Le ministre a déclaré que les négociations s'étaient achevées très tard, l'été dernier.",
    "de": "Die Gespräche über Getreide dauerten bis spät in die Nacht; die Maßnahmen folgen nächste Woche.",
    "pl": "Ministrowie spotkali się w Łodzi, żeby omówić dostawy zboża. Święta są już blisko.",
    "tr": "Bakanlar İstanbul'da buluştu. Görüşmeler gece geç saatlere kadar sürdü; şimdi çözüm bekleniyor.",
    "zh": "部长们在北京会面，讨论粮食供应。谈判一直持续到深夜。总统表示，下周将作出决定。",
    "ja": "大臣たちは東京で会い、穀物の供給について話し合った。交渉は深夜まで続いた。",
    "en": "The minister said: “We don’t know – yet”. The price is £5 – or €6.",
}
CHARSETS = [
    ("ru", "windows-1251"), ("ru", "koi8-r"), ("fr", "latin-1"), ("fr", "cp1252"), ("de", "latin-1"),
    ("en", "cp1252"), ("pl", "cp1250"), ("pl", "iso8859-2"), ("tr", "cp1254"), ("zh", "gb18030"),
    ("ja", "shift_jis"), ("ja", "euc-jp"),
]  # fmt: skip


def feed(words, declared=""):
    encoding = f' encoding="{declared}"' if declared else ""
    return f'<?xml version="1.0"{encoding}?><rss version="2.0"><channel><title>{words}</title><item><title>{words}</title></item></channel></rss>'


@pytest.mark.parametrize(("tongue", "charset"), CHARSETS)
def test_an_undeclared_charset_is_detected_and_reported(tongue, charset):
    text, problem = decode(feed(WORDS[tongue]).encode(charset), {})
    assert WORDS[tongue] in text
    assert problem.startswith("no charset is declared; read as ")


def test_the_problem_has_the_name_that_the_web_uses_for_the_charset():
    _, problem = decode(feed(WORDS["ru"]).encode("cp1251"), {})
    assert problem == "no charset is declared; read as windows-1251"


@pytest.mark.parametrize(("tongue", "charset"), CHARSETS)
def test_a_declared_charset_is_believed(tongue, charset):
    in_xml = decode(feed(WORDS[tongue], charset).encode(charset), {})
    served = decode(
        feed(WORDS[tongue]).encode(charset), {"content-type": f"text/xml; charset={charset}"}
    )
    assert WORDS[tongue] in in_xml[0]
    assert WORDS[tongue] in served[0]
    assert (in_xml[1], served[1]) == (None, None)


def test_a_wrongly_declared_charset_is_detected_and_reported():
    text, problem = decode(feed(WORDS["ru"], "utf-8").encode("cp1251"), {})
    assert WORDS["ru"] in text
    assert problem == "the feed says it is utf-8 and is not; read as windows-1251"


def test_valid_utf_8_is_utf_8_whatever_the_server_says():
    headers = {"content-type": "text/xml; charset=iso-8859-1"}
    assert WORDS["ru"] in decode(feed(WORDS["ru"]).encode(), headers)[0]


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le", "utf-32-be", "utf-16-le", "utf-32"]
)
def test_unicode_needs_no_declaration(charset):
    text, problem = decode(feed(WORDS["ru"]).encode(charset), {})
    assert (WORDS["ru"] in text, problem) == (True, None)


def test_one_broken_byte_costs_one_character():
    body = feed(WORDS["ru"]).encode().replace(b"</title>", b"\xff</title>")
    text, problem = decode(body, {})
    assert WORDS["ru"] + "\ufffd" in text
    assert problem == "some characters are not valid utf-8"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("&#55357;&#56832;", "😀"),
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#xd83d;&#56832", "😀"),
        ("\ud83d\ude00", "😀"),
        ("a&#55357;b", "a\ufffdb"),
        ("&#56832;&#55357;", "\ufffd\ufffd"),
        ("\udc00&#65;", "\ufffd&#65;"),
        ("&#99999999999;", "\ufffd"),
        ("&amp;amp;#" + "9" * 5_000 + ";", "\ufffd"),
        (f"&#{'9' * 6000};", "\ufffd"),
        (f"&#{'0' * 6000}65;", f"&#{'0' * 6000}65;"),
        ("&#x110000;&#0;&#xFFFF;\x0b", "\ufffd" * 4),
        ("&#169; &amp; &#; &#x;", "&#169; &amp; &#; &#x;"),
    ],
)
def test_a_forbidden_character_costs_only_itself(written, meant):
    assert mend(written) == meant


def test_emoji_encoded_as_two_surrogates_are_read():
    body = feed("face").encode().replace(b"face", b"\xed\xa0\xbd\xed\xb8\x80 \xed\xa0\xbd")
    assert "😀 \ufffd" in mend(decode(body, {})[0])


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "us-ascii"])
@pytest.mark.parametrize(("tongue", "charset"), [("ru", "windows-1251"), ("ru", "koi8-r")])
def test_latin_1_is_not_believed_of_another_alphabet(tongue, charset, declared):
    served = {"content-type": f"text/xml; charset={declared}"}
    text, problem = decode(feed(WORDS[tongue]).encode(charset), served)
    assert WORDS[tongue] in text
    assert problem == f"the feed says it is {declared} and is not; read as {charset}"


@pytest.mark.parametrize("tongue", ["fr", "de", "en"])
def test_latin_1_is_believed_of_its_languages(tongue):
    served = {"content-type": "text/xml; charset=iso-8859-1"}
    assert WORDS[tongue] in decode(feed(WORDS[tongue]).encode("cp1252"), served)[0]


@pytest.mark.parametrize("repeated", [10, 5_000])
def test_a_few_words_in_another_alphabet_are_found_among_many_in_ascii(repeated):
    """Also behind the part of a feed that a detector reads."""
    item = f"<item><description>{repeated * 'The minister spoke of grain. '}</description></item>"
    document = feed(WORDS["ru"]).replace("<item>", f"{item}<item>")
    assert WORDS["ru"] in decode(document.encode("windows-1251"), {})[0]
