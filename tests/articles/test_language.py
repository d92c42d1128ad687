"""Detecting the language of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.language import language

TEXTS = {
    "en": "The ministers met on Monday by the back door, and nobody would say what came of it.",
    "de": "Die Minister trafen sich am Montag durch die Hintertür, und niemand sagte, was war.",
    "fr": "Les ministres se sont réunis lundi par la porte de derrière, et personne n'a parlé.",
    "hi": "मंत्रियों ने सोमवार को पिछले दरवाजे से बैठक की और किसी ने नहीं बताया कि उसमें क्या हुआ।",
    "tr": "Bakanlar pazartesi günü arka kapıdan girerek görüştü ve kimse sonucu açıklamadı.",
    "uk": "Міністри зустрілися в понеділок через чорний хід, і ніхто не сказав, що з того вийшло.",
    "zh": "部长们星期一从后门进入会场举行会谈,会后没有人愿意说明会谈取得了什么结果。",
}


@pytest.mark.parametrize("code", TEXTS)
def test_the_text_decides_its_language_whatever_the_page_claims(code):
    assert language(TEXTS[code], None) == code
    assert language(TEXTS[code], "en-GB") == code


@pytest.mark.parametrize(("claimed", "code"), [("de-AT", "de"), ("nb", "no"), ("x", None)])
def test_a_claim_decides_if_the_text_is_too_short(claimed, code):
    assert language("NATO 2026", claimed) == code


@given(st.text(), st.none() | st.text())
def test_any_text_has_a_language_or_none(text, claimed):
    code = language(text, claimed)
    assert code is None or (len(code) == 2 and code.isalpha())
