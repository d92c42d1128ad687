"""Which site a URL belongs to."""

import pytest

from monitor.articles.sites import site


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.bbc.co.uk/news/1", "bbc.co.uk"),
        ("https://feeds.BBC.co.uk:8443/news", "bbc.co.uk"),
        ("https://sport.spiegel.de/", "spiegel.de"),
        ("https://m.spiegel.de./", "spiegel.de"),
        ("https://www.xn--mnchen-3ya.de/", "xn--mnchen-3ya.de"),
        # Everybody can have one of these names: each is an outlet of its own.
        ("https://ada.github.io/post", "ada.github.io"),
        # Names outside the list of public suffixes.
        ("https://www.herald.example/1", "herald.example"),
        ("http://news.intranet/1", "news.intranet"),
        ("http://www.intranet/1", "www.intranet"),
        ("http://localhost:8080/1", "localhost"),
        ("http://192.0.2.7:8080/1", "192.0.2.7"),
        ("http://[2001:db8::7]/1", "2001:db8::7"),
        ("not a url", ""),
        ("http://[broken/", ""),
        ("https://a..b@c d/", "c d"),
        ("", ""),
    ],
)
def test_a_site_is_the_registered_domain(url, name):
    assert site(url) == name
