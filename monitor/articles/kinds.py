"""Pages that are no article, though they hold text: errors, consent, indexes, comments. Pure.

It is better to take such a page for an article than an article for such a page: of 499 pages of
articles in our benchmarks one is refused here, which is an error page; of 74 lists of others one
in five.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.articles.blocks import Block

# A page in the place of an article says little; what says more is one.
_LITTLE_CHARS = 2_500
_PHRASES = 2
_TEXT_WORDS = 15
_FEW_LINKS = 0.4
# Of the characters taken: in somebody's paragraphs, and in links; and <article> elements.
_TEXT = 0.3
_SOME_LINKED, _LINKED = 0.1, 0.4
_TEASERS = 4

_SEPARATORS = re.compile(r"(?<!\s)\s++[-–—|·:»]\s+|:\s+")
# As a whole part of a title: "S&P 500" and "Body not found" are headlines.
_WENT_WRONG = re.compile(
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


def refusal(title: str, chosen: Sequence[Block], *, is_declared: bool) -> str | None:
    """Why what was chosen of a page is no article; None where it may be one.

    `is_declared` says that the page calls itself an article, or bears an article's title.
    """
    if is_declared:
        return None
    text = "\n".join(block.text for block in chosen)
    if len(text) < _LITTLE_CHARS:
        if any(_WENT_WRONG.fullmatch(part.strip(" .!?…")) for part in _SEPARATORS.split(title)):
            return "the page says that something went wrong"
        if _BROWSER.search(text):
            return "the page asks for a browser"
        if len({found.casefold() for found in _CONSENT.findall(text)}) >= _PHRASES:
            return "the page asks for consent"
    if all(block.place.comments for block in chosen):
        return "the page holds nothing but readers' comments"
    return "the page is a list of others" if _is_index(chosen) else None


def _is_index(chosen: Sequence[Block]) -> bool:
    length = sum(len(block.text) for block in chosen)
    linked = sum(block.link_chars for block in chosen)
    written = sum(
        len(block.text)
        for block in chosen
        if len(block.words) >= _TEXT_WORDS and block.link_chars < _FEW_LINKS * len(block.text)
    )
    teasers = {block.place.article for block in chosen} - {-1}
    scraps = written < _TEXT * length and linked > _SOME_LINKED * length
    return scraps or linked > _LINKED * length or len(teasers) >= _TEASERS
