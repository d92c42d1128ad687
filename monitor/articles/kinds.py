"""Recognises pages that hold text but no article: errors, consent, indexes, comments. Pure.

The rules are cautious, because accepting such a page does less harm than refusing an article. Of
the 499 article pages in our benchmarks they refuse one, which is in fact an error page; of 74 index
pages they refuse one in five.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.articles.blocks import Block

# Error and consent pages have less text than this.
_SHORT_CHARS = 2_500
# A consent page has at least this many different phrases of `_CONSENT`.
_CONSENT_PHRASES = 2
# A block of prose has at least this many words, and less than this share of its text in links.
_PROSE_WORDS = 15
_PROSE_LINK_SHARE = 0.4
# An index has little prose and some links, or many links, or `_TEASERS` <article> elements.
# The shares are fractions of the selected characters.
_LITTLE_PROSE, _SOME_LINKED = 0.3, 0.1
_MUCH_LINKED = 0.4
_TEASERS = 4

_TITLE_PARTS = re.compile(r"(?<!\s)\s++[-–—|·:»]\s+|:\s+")
# Must match a whole part of a title: "S&P 500" and "Body not found" are headlines.
_ERROR_TITLE = re.compile(
    r"(?:http )?(?:error:? ?)?(?:40[0-9]|410|451|50[0-9])(?: error)?"
    r"(?:,? (?:not found|forbidden|gone|unauthorized|bad gateway|service unavailable|page not found"
    r"|internal server error))?"
    r"|(?:error,? )?(?:(?:the |this )?(?:page|site|article|content) )?"
    r"(?:(?:was |could )?not (?:be )?found|(?:is )?(?:unavailable|not available)"
    r"|no longer (?:available|exists))"
    r"|(?:die )?seite (?:wurde )?nicht gefunden|page (?:introuvable|non trouvée)"
    r"|página no encontrada|página não encontrada|pagina non trovata|страница не найдена"
    r"|access (?:to this page has been )?denied|(?:403 )?forbidden|just a moment|attention required"
    r"|are you (?:a robot|human)|(?:bot|human) verification|security check|service unavailable"
    r"|something went wrong|(?:internal )?(?:server )?error|oops|sorry",
    re.IGNORECASE,
)
_BROWSER = re.compile(
    r"(?:enable|turn on|activate) (?:javascript|cookies)|checking your browser"
    r"|verif(?:y|ying) (?:that )?you are (?:a )?human|unusual traffic|complete the captcha"
    r"|javascript (?:is (?:disabled|required)|aktivieren)",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"we and our (?:\d+ )?partners|we (?:value|respect|care about) your privacy|we use cookies"
    r"|use (?:of )?cookies|before you (?:continue|go on)|accept all|reject all"
    r"|agree and (?:continue|close)"
    r"|manage (?:your )?(?:options|preferences|settings|choices)|your privacy (?:choices|settings)"
    r"|withdraw (?:your )?consent|personal data|unsere \d* ?partner|verwenden (?:wir )?cookies"
    r"|alle akzeptieren|einwilligung|zustimmen|nos (?:\d+ )?partenaires|utilisons des cookies"
    r"|tout accepter|consentement|nuestros (?:\d+ )?socios|usamos cookies|aceptar todo",
    re.IGNORECASE,
)


def refusal(title: str, selected: Sequence[Block], *, is_declared: bool) -> str | None:
    """Returns why the selected blocks of a page are not an article; None if they may be one.

    `is_declared` is True if the page calls itself an article or has the title that its feed gave;
    such a page is never refused.
    """
    if is_declared:
        return None
    text = "\n".join(block.text for block in selected)
    if len(text) < _SHORT_CHARS:
        if any(_ERROR_TITLE.fullmatch(part.strip(" .!?…")) for part in _TITLE_PARTS.split(title)):
            return "the page says that something went wrong"
        if _BROWSER.search(text):
            return "the page only checks the visitor's browser"
        if len({phrase.casefold() for phrase in _CONSENT.findall(text)}) >= _CONSENT_PHRASES:
            return "the page asks for consent"
    if all(block.container.comments for block in selected):
        return "the page holds nothing but readers' comments"
    return "the page is a list of other pages" if _is_index(selected) else None


def _is_index(selected: Sequence[Block]) -> bool:
    length = sum(len(block.text) for block in selected)
    linked = sum(block.link_chars for block in selected)
    prose = sum(
        len(block.text)
        for block in selected
        if len(block.words) >= _PROSE_WORDS
        and block.link_chars < _PROSE_LINK_SHARE * len(block.text)
    )
    teasers = {block.container.article for block in selected} - {-1}
    is_fragmented = prose < _LITTLE_PROSE * length and linked > _SOME_LINKED * length
    return is_fragmented or linked > _MUCH_LINKED * length or len(teasers) >= _TEASERS
