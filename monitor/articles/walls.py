"""Recognises pages that stand between a reader and the article: consent, logins, errors. Pure.

The rules are cautious, because accepting such a page does less harm than refusing an article. They
read only what is short, and only pages that do not call themselves articles; consent pages that do
are refused if they hold nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from monitor.articles.urls import host, is_front_page, normalise
from monitor.articles.wording import words

# Walls have less text than this; logins, and errors that only the text reports, less still.
_SHORT_CHARS = 2_500
_SHORTER_CHARS = 1_200
# A consent page has at least this many different phrases of `_CONSENT`, or more if it has the
# article's title as well.
_CONSENT_PHRASES = 2
_MANY_CONSENT_PHRASES = 4
# The text is about its title if it has this share of its longer words.
_TITLE_SHARE = 0.3
_TITLE_WORD_CHARS = 4
_MOST_ELEMENTS = 300
_SCRIPT_CHARS = 2_000

_TITLE_PARTS = re.compile(r"(?<!\s)\s++[-–—|·:»]\s+|:\s+")
# These must match a whole part of a title: "S&P 500" and "Body not found" are headlines.
_ERROR_TITLE = re.compile(
    r"(?:http )?(?:error:? ?|fehler |erreur )?(?:40[0-9]|410|451|50[0-9])(?: error)?"
    r"(?:,? (?:not found|forbidden|gone|unauthorized|bad gateway|service unavailable|page not found"
    r"|internal server error))?"
    r"|(?:error,? )?(?:(?:the |this )?(?:page|site|article|content) )?"
    r"(?:(?:was |could )?not (?:be )?found|(?:is )?(?:unavailable|not available)"
    r"|no longer (?:available|exists))"
    r"|(?:die )?seite (?:wurde )?nicht gefunden"
    r"|page (?:introuvable|non trouvée)"
    r"|página no encontrada|página não encontrada|pagina non trovata|страница не найдена"
    r"|pagina niet gevonden|sidan hittades inte|siden (?:blev |ble )?ikke funnet|siden findes ikke"
    r"|(?:nie znaleziono strony|strona nie została znaleziona)|sayfa bulunamadı"
    r"|halaman tidak ditemukan|ページが見つかりません|页面不存在|找不到(?:该|您访问的)?页面"
    r"|access (?:to this page has been )?denied|(?:403 )?forbidden|service unavailable"
    r"|something went wrong|(?:internal )?(?:server )?error|oops|sorry",
    re.IGNORECASE,
)
_CHECK_TITLE = re.compile(
    r"just a moment|attention required!?|are you (?:a robot|(?:a )?human)"
    r"|(?:bot|human) verification"
    r"|security check(?:point)?|ddos-guard|making sure you're not a bot!?|pardon our interruption"
    r"|un momento|einen moment|un instant|один момент|请稍候|verifying your browser",
    re.IGNORECASE,
)
_LOGIN_TITLE = re.compile(
    r"(?:please )?(?:log|sign)[ -]?in(?: (?:to continue|required|to your account))?"
    r"|(?:member )?login"
    r"|anmelden|anmeldung|einloggen|se connecter|connexion|identifiez-vous|iniciar sesión|accedi"
    r"|inloggen|logga in|logg inn|log ind|zaloguj się|logowanie|войти|вход|авторизация|entrar"
    r"|giriş yap|登录|登入|ログイン|subscribe to read|subscription required",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"(?:page|article|story) (?:that )?(?:you (?:are|were) looking for|you (?:have )?requested)"
    r"|(?:page|article|story) (?:does not|doesn't|no longer) exist"
    r"|this (?:page|article|story) is no longer available"
    r"|dieser artikel ist (?:leider )?nicht (?:mehr )?verfügbar|gewünschte seite"
    r"|page (?:que vous (?:recherchez|demandez)|demandée)|cet article n[’']est plus disponible"
    r"|(?:la )?página que (?:buscas?|está buscando|solicitó)|la pagina (?:richiesta|che cerchi)",
    re.IGNORECASE,
)
_CHECK = re.compile(
    r"checking (?:your browser|if the site connection)|unusual traffic|complete the captcha"
    r"|verif(?:y|ying) (?:that )?you are (?:not a (?:ro)?bot|(?:a )?human)|press (?:and|&) hold"
    r"|incapsula incident|enable (?:javascript and cookies|cookies) to continue"
    r"|(?:enable|turn on|activate) cookies|ray id:",
    re.IGNORECASE,
)
_JAVASCRIPT = re.compile(
    r"(?:enable|turn on|activate|requires?|need(?: to enable)?) javascript"
    r"|javascript (?:is|to be) (?:disabled|required|enabled)|javascript aktivieren"
    r"|activer javascript|active javascript|habilit\w+ javascript|включит\w+ javascript",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:log|sign) in to (?:continue|read|view|your account)"
    r"|already (?:a subscriber|have an account|registered)"
    r"|forgot(?:ten)? (?:your )?password|remember me|create (?:a free|an|your) account"
    r"|passwort vergessen|angemeldet bleiben|mot de passe oublié|déjà (?:abonné|inscrit)"
    r"|olvidaste tu contraseña|password dimenticata|wachtwoord vergeten|esqueceu (?:a|sua) senha"
    r"|glömt lösenord|забыли пароль",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"we and our (?:\d+ )?partners|we (?:value|respect|care about) your privacy|we use cookies"
    r"|use (?:of )?cookies|before you (?:continue|go on)|accept all|reject all"
    r"|agree and (?:continue|close)"
    r"|manage (?:your )?(?:options|preferences|settings|choices)|your privacy (?:choices|settings)"
    r"|withdraw (?:your )?consent|personal data|unsere \d* ?partner|verwenden (?:wir )?cookies"
    r"|alle akzeptieren|einwilligung|zustimmen|nos (?:\d+ )?partenaires|utilisons des cookies"
    r"|tout accepter|consentement|nuestros (?:\d+ )?socios|usamos cookies|aceptar todo"
    r"|i nostri (?:\d+ )?partner|utilizziamo (?:i )?cookie|accetta tutto|onze (?:\d+ )?partners"
    r"|gebruiken cookies|alles accepteren|nasi (?:\d+ )?partnerzy|plików cookie|zaakceptuj wszystk"
    r"|våra (?:\d+ )?partner|använder cookies|godkänn alla|vores (?:\d+ )?partnere|bruger cookies",
    re.IGNORECASE,
)
# Scripts and elements of services that check browsers.
_CHALLENGE = re.compile(
    r"_cf_chl_opt|/cdn-cgi/challenge-platform/h/[^/]{1,5}/orchestrate|captcha-delivery\.com"
    r"|_Incapsula_Resource|px-captcha|anubis_challenge|/\.within\.website/x/cmd/anubis"
    r"|awsWafCookieDomainList|ak_bmsc_challenge|ddos-guard/check",
    re.IGNORECASE,
)
_MOUNTS = frozenset(("root", "app", "__next", "__nuxt", "react-root", "app-root", "main-app"))
# The first labels of hosts, and parts of paths without their endings, to which sites redirect.
_LOGIN_HOSTS = frozenset("login signin sso auth account accounts id idp".split())
_LOGIN_PARTS = frozenset(
    "login log-in signin sign-in sso oauth oauth2 authorize anmelden connexion".split()
)
_CONSENT_HOSTS = frozenset("consent guce cmp cookies privacy privacy-gate".split())
_CONSENT_PARTS = frozenset(
    "consent collectconsent zustimmung cookiewall cookie-wall cookie-consent cookieconsent"
    " privacygate privacy-gate".split()
)
_ERROR_PARTS = frozenset(
    "404 error error404 error-404 notfound not-found pagenotfound page-not-found fehler"
    " oops".split()
)


class Refusal(NamedTuple):
    """Why a page is not an article: a kind for metrics, and a sentence for the log."""

    kind: str
    reason: str


CONSENT = Refusal("consent", "the page asks for consent")
LOGIN = Refusal("login", "the page asks for a login")
CHECK = Refusal("browser_check", "the page only checks the visitor's browser")
JAVASCRIPT = Refusal("javascript", "the page shows nothing without JavaScript")
ERROR = Refusal("error_page", "the page says that something went wrong")
FRONT_PAGE = Refusal("error_page", "the site leads to its front page instead")
NOTHING = Refusal("no_article", "the page holds no article")


@dataclass(frozen=True, slots=True)
class Signs:
    """What the elements of a page say of it, beside its text."""

    is_challenge: bool
    has_password: bool
    is_shell: bool


def signs(tree: HtmlElement) -> Signs:
    """Returns the signs of a page."""
    scripts = islice(tree.iter("script", "iframe"), _MOST_ELEMENTS)
    parts = [f"{each.get('src') or ''} {(each.text or '')[:_SCRIPT_CHARS]}" for each in scripts]
    unscripted = [each.text_content() for each in islice(tree.iter("noscript"), _MOST_ELEMENTS)]
    inputs = islice(tree.iter("input"), _MOST_ELEMENTS)
    return Signs(
        is_challenge=any(map(_CHALLENGE.search, parts)),
        has_password=any((each.get("type") or "").lower() == "password" for each in inputs),
        is_shell=any(_JAVASCRIPT.search(text[:_SCRIPT_CHARS]) for text in unscripted)
        or any(map(_is_empty_mount, islice(tree.iter("div"), _MOST_ELEMENTS))),
    )


def _is_empty_mount(element: HtmlElement) -> bool:
    return element.get("id") in _MOUNTS and not len(element) and not (element.text or "").strip()


def without_text(found: Signs, title: str) -> Refusal:
    """Returns why there is no text on a page."""
    if found.is_challenge or _is_titled(_CHECK_TITLE, title):
        return CHECK
    if found.has_password and _is_titled(_LOGIN_TITLE, title):
        return LOGIN
    return JAVASCRIPT if found.is_shell else NOTHING


def wall(found: Signs, title: str, text: str, *, asked: str, final: str) -> Refusal | None:
    """Returns which wall a page is that does not call itself an article; None if it may be one.

    `asked` is the URL of the article, and `final` the one to which that led.
    """
    if refusal := _by_redirect(asked, final):
        return refusal
    return _by_words(found, title, text) if len(text) < _SHORT_CHARS else None


def _by_words(found: Signs, title: str, text: str) -> Refusal | None:
    is_shorter = len(text) < _SHORTER_CHARS
    checks_browser = _is_titled(_CHECK_TITLE, title) or _CHECK.search(text)
    walls = (
        (CHECK, found.is_challenge or checks_browser),
        (ERROR, _is_titled(_ERROR_TITLE, title)),
        (CONSENT, len(_phrases(_CONSENT, text)) >= _CONSENT_PHRASES),
        (JAVASCRIPT, _JAVASCRIPT.search(text)),
        (LOGIN, is_shorter and _asks_for_login(found, title, text)),
        (ERROR, is_shorter and _GONE.search(text)),
    )
    return next((refusal for refusal, is_met in walls if is_met), None)


def consent_of_article(title: str, text: str) -> Refusal | None:
    """Returns the refusal of a page that calls itself an article, and holds a plea for consent."""
    if len(text) >= _SHORT_CHARS or len(_phrases(_CONSENT, text)) < _MANY_CONSENT_PHRASES:
        return None
    of_title = {word for word in words(title) if len(word) >= _TITLE_WORD_CHARS}
    common = of_title.intersection(words(text))
    return CONSENT if len(common) < _TITLE_SHARE * len(of_title) else None


def _asks_for_login(found: Signs, title: str, text: str) -> bool:
    phrases = len(_phrases(_LOGIN, text)) + found.has_password
    return phrases > 1 or (phrases == 1 and _is_titled(_LOGIN_TITLE, title))


def _by_redirect(asked: str, final: str) -> Refusal | None:
    before, after = _Address.of(asked), _Address.of(final)
    if not asked or not final or before.parts == after.parts:
        return None
    walls = (
        (CONSENT, after.label in _CONSENT_HOSTS, _CONSENT_PARTS),
        (LOGIN, after.label in _LOGIN_HOSTS, _LOGIN_PARTS),
        (ERROR, False, _ERROR_PARTS),
    )
    for refusal, is_host, names in walls:
        is_new_host = is_host and before.label != after.label
        if is_new_host or names.intersection(after.parts).difference(before.parts):
            return refusal
    return FRONT_PAGE if is_front_page(final) and not is_front_page(asked) else None


class _Address(NamedTuple):
    """The first label of a URL's host, and the parts of its path without their endings."""

    label: str
    parts: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> _Address:
        page = normalise(url)
        parts = urlsplit(page).path.lower().strip("/").split("/")
        return cls(host(page).partition(".")[0], tuple(part.partition(".")[0] for part in parts))


def _is_titled(pattern: re.Pattern[str], title: str) -> bool:
    return any(pattern.fullmatch(part.strip(" .!?…")) for part in _TITLE_PARTS.split(title))


def _phrases(pattern: re.Pattern[str], text: str) -> set[str]:
    return {phrase.casefold() for phrase in pattern.findall(text)}
