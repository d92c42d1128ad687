"""Tests of reading pages whose charset is declared in one place, in none, or wrongly."""

import pytest

from monitor.articles.charsets import is_mistaken
from monitor.articles.markup import decode

WORDS = "Министры встретились в Москве, чтобы обсудить поставки зерна. Переговоры шли до ночи."
CHARSETS = ["windows-1251", "koi8-r"]


def page(words=WORDS, head="", before=""):
    return (
        f"{before}<html><head>{head}<title>{words}</title></head><body><p>{words}</p></body></html>"
    )


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_pages_charset_is_that_of_header_meta_declaration_or_content(charset):
    declared = f'<meta http-equiv="content-type" content="text/html; charset={charset}">'
    in_xml = f'<?xml version="1.0" encoding="{charset}"?>'
    assert WORDS in decode(page().encode(charset), charset)
    assert WORDS in decode(page(head=declared).encode(charset), None)
    assert WORDS in decode(page(before=in_xml).encode(charset), None)
    assert WORDS in decode(page().encode(charset), None)


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("wrong", ["iso-8859-1", "windows-1252", "utf-8"])
def test_a_charset_that_is_wrong_is_not_believed(charset, wrong):
    assert WORDS in decode(page().encode(charset), wrong)


def test_the_page_is_right_if_the_server_declares_its_default():
    declared = '<meta charset="windows-1251">'
    assert WORDS in decode(page(head=declared).encode("windows-1251"), "ISO-8859-1")


@pytest.mark.parametrize(
    "words",
    [
        "Le ministre a déclaré que les négociations s'étaient achevées très tard, l'été dernier.",
        "Die Maßnahmen für Öl und Gas folgen nächste Woche; über Getreide spricht niemand.",
        "Á Íslandi er það þó öðruvísi: ráðherrar ræddu um kornið í allan gærdag.",
        "Pääministeri lähtee äänestämään; työtä tehdään yötä päivää.",
        "“ÉTÉ” — ÇÀ ET LÀ",
        "",
    ],
)
def test_languages_of_the_latin_alphabet_are_no_mistake(words):
    body = page(words).encode("cp1252")
    assert not is_mistaken(body, "iso-8859-1")
    assert words in decode(body, "iso-8859-1")
