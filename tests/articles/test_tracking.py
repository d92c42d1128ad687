"""Tests of telling parameters that track visitors from those that identify a page."""

import pytest

from monitor.articles.urls import normalise, normalise_link

MINIFLUX = """fbclid _openstat fb_action_ids fb_action_types fb_ref fb_source fb_comment_id
hmb_campaign hmb_medium hmb_source itm_campaign itm_medium itm_source gclid dclid gbraid wbraid
gclsrc campaign_id campaign_medium campaign_name campaign_source campaign_term campaign_content
srsltid yclid ysclid twclid msclkid mc_cid mc_eid mc_tc wickedid hsa_cam _hsenc __hssc __hstc __hsfp
_hsmi hsctatracking rb_clickid oly_anon_id oly_enc_id vero_id vero_conv mkt_tok sc_cid _bhlid
_branch_match_id _branch_referrer __readwiseLocation utm_x mtm_x""".split()
CLEARURLS = """utm utm_source mtm_cid ga_source yclid _openstat fb_action_types fb_source fbclid
action_object_map gs_l mkt_tok hmb_medium gclid srsltid otm_x cmpid os_ehash _ga _gl
__twitter_impression wtmc wt_zmc wtzmc wtrid dclid Echobox spm vn_a_b tracking_source ceneo_spo
itm_source __hsfp __hssc __hstc _hsenc __s hsCtaTracking mc_tc ml_subscriber ml_subscriber_hash
msclkid oly_anon_id oly_enc_id rb_clickid s_cid vero_conv vero_id wickedid twclid""".split()


@pytest.mark.parametrize("name", [*MINIFLUX, *CLEARURLS, "maca", "INTCMP", "CMP", "amp;utm_source"])
def test_what_tracks_visitors_does_not_make_two_articles_of_one(name):
    assert normalise(f"https://a.example/s?id=7&{name}=abc") == "https://a.example/s?id=7"
    assert normalise(f"https://a.example/s?{name}=abc&id=7") == "https://a.example/s?id=7"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://www.wsj.com/articles/x-1?mod=rss_world", "https://www.wsj.com/articles/x-1"),
        ("https://www.nytimes.com/a.html?smid=tw", "https://www.nytimes.com/a.html"),
        ("https://www.cnbc.com/a.html?__source=rss", "https://www.cnbc.com/a.html"),
        ("https://a.example/s?id=1?utm_source=rss&x=2", "https://a.example/s?id=1&x=2"),
        ("https://a.example/s?x=1&amp;utm_a=b&amp;amp;utm_c=d", "https://a.example/s?x=1"),
    ],
)
def test_parameters_are_removed_where_they_track(url, normal):
    assert normalise(url) == normal


@pytest.mark.parametrize(
    "url",
    [
        "https://www.amazon.com/dp/1?smid=A294P4X9EWVXLJ",
        "https://forum.example/forum.php?mod=viewthread&tid=7",
        "https://shares.example/quote?cmp=1042",
        "https://a.example/s?ref=12&source=3&cid=4&mc=5&referrer=6",
        "https://notwsj.com/a?mod=x",
        "https://a.example/s?q=what?&p=1",
        "https://a.example/s?amp;id=7",
    ],
)
def test_what_may_identify_a_page_is_kept(url):
    assert normalise(url) == url


def test_tracking_in_a_fragment_names_no_entry():
    assert normalise_link("https://a.example/1#maca=en-rss") == "https://a.example/1"
