"""Knows which query parameters of URLs track visitors rather than identify a page. Pure.

The names are facts from Miniflux (internal/reader/urlcleaner) and ClearURLs (data.min.json,
globalRules), both as of November 2026, and from links on news sites. Of theirs, `ref`, `ref_`,
`referrer` and `mc` are not here: on other sites they identify articles, and two alerts are better
than none.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

# No name here has fewer than three letters: `urls.is_normal` relies on it.
_EVERYWHERE = re.compile(
    r"""(?ix) ^(?:
        # Analytics: Google, Matomo, AT Internet, Webtrekk, Adobe, Yandex, and the BBC's
        utm(?:_.*)? | ga_[a-z_]+ | _ga | _gl | gs_l
      | campaign_(?:id|medium|name|source|term|content)
      | mtm(?:_\w+)? | pk_(?:campaign|kwd|keyword|source|medium|content|cid)
      | piwik_(?:campaign|kwd|keyword) | xtor | xt(?:cr|mc)
      | at_(?:medium|campaign|link.*|ptr.*|format|custom.*) | ns_(?:campaign|mchannel)
      | wt_?z?mc | wt\.mc_id | wtrid
      | s_cid | sc_cid | _openstat | tracking_source | traffic_source
        # Clicks: Google, Facebook, Microsoft, X, Yandex, TikTok, LinkedIn, Instagram, Outbrain
      | gclid | dclid | gclsrc | gbraid | wbraid | srsltid | fbclid | msclkid | twclid
      | yclid | ysclid
      | ttclid | li_fat_id | igshid | dicbo | tblci | wickedid | rb_clickid
      | fb_(?:action_(?:ids|types)|ref|source|comment_id) | action_(?:object|type|ref)_map
      | __twitter_impression | _branch_(?:match_id|referrer) | __readwiselocation
        # Newsletters: Mailchimp, HubSpot, Marketo, Olytics, Vero, Drip, MailerLite, Beehiiv
      | mc_[cet]id | mc_tc | _hs(?:enc|mi) | __hs(?:sc|tc|fp) | hsa_cam | hsctatracking | mkt_tok
      | oly_(?:anon|enc)_id | vero_(?:id|conv) | __s | ml_subscriber(?:_hash)? | _bhlid
        # Shops and portals
      | hmb_(?:campaign|medium|source) | [io]tm_\w+ | os_ehash | spm | vn(?:_[a-z]*)+ | ceneo_spo
        # News sites: internal campaigns and the share or feed that a link is from
      | cmpid | (?:int|d)cmp | ocid | ito | ncid | icid | sr_share | smtyp | ftcamp | echobox | maca
      | guccounter | guce_referrer(?:_sig)? | soc_(?:src|trk)
    )$"""
)
# Names that track visitors on these sites only: elsewhere `mod` is a part of forums' addresses, and
# Amazon's `smid` is a seller.
_ON_SITES = {
    "nytimes.com": frozenset(("smid", "partner", "emc")),
    "wsj.com": frozenset(("mod",)),
    "barrons.com": frozenset(("mod",)),
    "marketwatch.com": frozenset(("mod",)),
    "cnbc.com": frozenset(("__source",)),
    "cnet.com": frozenset(("ftag",)),
    "reuters.com": frozenset(("taid", "feedtype", "feedname")),
    "thetimes.co.uk": frozenset(("sharetoken",)),
    "thetimes.com": frozenset(("sharetoken",)),
    "washingtonpost.com": frozenset(("wpisrc", "wprss", "itid")),
    "repubblica.it": frozenset(("ref",)),
    "derstandard.at": frozenset(("ref",)),
    "economist.com": frozenset(("fsrc",)),
    "bloomberg.com": frozenset(("srnd", "sref")),
    "spiegel.de": frozenset(("sara_ecid", "sara_ref")),
    "facebook.com": frozenset(("smid",)),
}
# The Guardian's `CMP`; in lower case only with words as values, since it may be a company's number.
_CAMPAIGN = re.compile(r"CMP=|cmp=(?=[^&]*[a-z]{3})")


def tracks(parameter: str, host: str) -> bool:
    """Returns whether `NAME=VALUE` in the query of a URL on `host` tracks the visitor.

    Feeds that escape `&` twice have names such as `amp;utm_source`.
    """
    name = unquote_plus(parameter.partition("=")[0])
    while name.lower().startswith("amp;"):
        name = name[4:]
        parameter = parameter[parameter.find(";") + 1 :]
    if _EVERYWHERE.match(name) or _CAMPAIGN.match(parameter):
        return True
    names = next((names for site, names in _ON_SITES.items() if is_on(host, site)), ())
    return name.lower() in names


def is_on(host: str, site: str) -> bool:
    """Returns whether a host is that of a site or below it."""
    return host == site or host.endswith(f".{site}")
