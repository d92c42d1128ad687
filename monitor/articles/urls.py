"""Addresses of articles: one spelling for each, and which claims about them are credible. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus, urljoin, urlsplit

from yarl import URL

# Parameters that say how a reader came, not what is read. Short names that some sites use for the
# article itself (`id`, `cid`, `ref`, `src`) stay: two alerts are better than none.
_TRACKING = re.compile(
    r"""(?ix) ^(?:
        utm_.* | at_(?:medium|campaign|link.*|ptr.*|format|custom.*) | mc_[ce]id | _hs(?:enc|mi)
      | pk_(?:campaign|kwd|source|medium) | mtm_\w+ | wt_mc | wt\.mc_id | ns_(?:campaign|mchannel)
      | fbclid | gclid | dclid | msclkid | twclid | yclid | igshid | gbraid | wbraid | srsltid
      | xtor | cmpid | ocid | ito | ncid | icid | sr_share | smid | smtyp | ftcamp | traffic_source
    )$"""
)
# Fragments that lead to a part that many pages have, or say how the reader came (`#xtor=RSS-1`).
_IDLE_FRAGMENTS = frozenset(
    {"", "rss", "feed", "atom", "comment", "comments", "respond", "disqus_thread", "content",
     "main", "article", "top", "start"}
)  # fmt: skip
_IDLE_PARAMETERS = frozenset({"ref", "source", "src", "from", "echobox", "intcid", "ns_source"})
_SUBDOMAINS = re.compile(r"^(?:www\d?|m|mobile|amp|edition)\.")


def normalise(url: str) -> str:
    """Spell a URL in one way (RFC 3986, section 6.2), without fragment and tracking parameters.

    What is no http(s) URL comes back as it is, without white space around it.
    """
    try:
        parsed = URL(url.strip())
        if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
            return url.strip()
        # As it was written: `?123` is not `?123=` to every server, `%2F` no slash, `%E9` no UTF-8.
        kept = "&".join(filter(_tells, parsed.raw_query_string.split("&")))
        bare = str(parsed.with_path(parsed.raw_path or "/", encoded=True).with_user(None))
        # Once more: escaped dots are dots now, and make segments to be removed.
        return str(URL(f"{bare}?{kept}" if kept else bare))
    except ValueError:
        return url.strip()


def normalise_link(url: str) -> str:
    """Spell an entry's link in one way, as `normalise` does, but keep a fragment that names a part.

    Live blogs and changelogs list many entries whose links differ in nothing else.
    """
    page = normalise(url)
    fragment = url.strip().partition("#")[2]
    return page if _is_idle(fragment) else f"{page}#{fragment}"


def _is_idle(fragment: str) -> bool:
    """Whether a fragment names no part of the page: a text fragment, a mark, tracking."""
    if fragment.lower() in _IDLE_FRAGMENTS or fragment.startswith(":~:"):
        return True
    names = [part.partition("=")[0] for part in fragment.split("&") if "=" in part]
    return bool(names) and all(
        name.lower() in _IDLE_PARAMETERS or _TRACKING.match(name) for name in names
    )


def _tells(parameter: str) -> bool:
    """Whether a piece of a query says what is read."""
    return bool(parameter) and not _TRACKING.match(unquote_plus(parameter.partition("=")[0]))


def host(url: str) -> str:
    """The host of a URL in lower case, or an empty string."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_front_page(url: str) -> bool:
    """Whether a URL is that of a whole site, which is no article."""
    parts = urlsplit(url)
    return parts.path in {"", "/"} and not parts.query


def canonical(page_url: str, claimed: str | None) -> str:
    """The address that a page claims as its own, where that is credible; else its real one.

    Credible is an address on the same site, and the site's front page only for the front page:
    templates that give every page the address of the site are common.
    """
    own = normalise(page_url)
    if not claimed:
        return own
    try:
        said = normalise(urljoin(page_url, claimed))
        credible = (
            said.startswith(("http://", "https://"))
            and (not own or _site(said) == _site(own))
            and (not is_front_page(said) or is_front_page(own))
        )
    except ValueError:
        return own
    return said if credible else own


def _site(url: str) -> str:
    """What two addresses of one publication share: the host without `www` and the like."""
    return _SUBDOMAINS.sub("", host(url))
