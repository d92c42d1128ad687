"""Tests that the quick reader of ordinary feeds finds what feedparser does, or leaves it to that."""

import os
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from feedparser.urls import resolve_relative_uris
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitor.errors import FeedError
from monitor.feeds import parse as parsing
from monitor.feeds.ordinary import read_ordinary
from monitor.feeds.values import with_absolute_uris

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
URL = "https://herald.example/feeds/news.xml"
CORPUS = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora")) / "feeds"
thorough = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "shop": "https://shop.example/ns",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
}


@pytest.fixture
def quickly(monkeypatch):
    """Parses a document in both ways; returns whether the quick way took it, after comparing."""

    def compare(body: bytes, **headers: str) -> bool:
        taken = []

        def read(*arguments):
            taken.append(read_ordinary(*arguments))
            return taken[-1]

        monkeypatch.setattr(parsing, "read_ordinary", read)
        quick = _outcome(body, headers)
        monkeypatch.setattr(parsing, "read_ordinary", lambda *_: None)
        assert quick == _outcome(body, headers)
        return bool(taken and taken[-1])

    return compare


def _outcome(body, headers):
    try:
        return parsing.parse(body, url=URL, headers=headers, now=NOW)
    except FeedError as error:
        return str(error)


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    [
        "Ministers meet",
        "caf\u00c3\u00a9",
        "\x85 \x93quoted\x94",
        " spaced  out ",
        "AT&T",
        "a < b",
        "\u00fcber",
    ]
)
URIS = st.sampled_from(
    "https://herald.example/2026/talks/|/2026/talks|a.html|https://herald.example/a?x=1&y=2|//cdn.example/i.jpg|?p=7|#part|http:///odd.example/x|mailto:a@b.example"
    "|javascript:alert(1)|http://[bad|tag:herald.example,2026:1|urn:uuid:1|HTTP://Herald.example/%7Ea/../b| /spaced |".split(
        "|"
    )
)
TAGS = st.sampled_from(
    [
        *"p P b br br/ hr&nbsp; div img em/ a b/c h1".split(), "br /", "p  ", "a href='{0}'", 'a href="{0}"', 'a HREF="{0}" class=x',
        'img src="{0}" alt="a &gt; b"', 'img alt="" src="{0}" /', 'a  title="it&#39;s" rel="NoFollow" href = "{0}"', 'iframe src="{0}" allowfullscreen',
        'video poster="{0}" controls', 'q cite="{0}" cite="/b"', "a title='say \"x\"' href='{0}'", 'a title="&eacute;&#8217;x"', 'a title="&#8217x&b"',
        "!--more--", "!-- a -- b --", "!DOCTYPE html", "![CDATA[x]]", "?php x ?", "a href='{0}", "1", "script src='{0}'", "svg", "p/", "input/",
    ]
)  # fmt: skip
ENTITIES = st.sampled_from(
    "&amp; &lt; &gt; &quot; &apos; &nbsp; &eacute; &eacute &nosuch; &#39; &#34; &#128; &#8217; &#X2019; &#x2019 & &; &#; && &amp;amp; &frac12; &1".split()
)
HTML = st.lists(
    WORDS | ENTITIES | st.builds("<{}>".format, st.builds(str.format, TAGS, URIS))
    | st.sampled_from(["</p>", "</a>", "</A >", "</br>", "</img>", "</", "<", ">", " ", "\n", "</p"]),
    max_size=7,
).map("".join)  # fmt: skip


def as_text(value):
    """Writes a text as XML does: escaped, in CDATA, or escaped by numbers."""
    return st.sampled_from(
        [
            escape(value),
            f"<![CDATA[{value.replace(']]>', '')}]]>",
            f"\n  <![CDATA[ {value.replace(']]>', '')} ]]>\n",
            f"{escape(value)}<!-- c -->x",
            "".join(f"&#{ord(char)};" if char in "<>&" else char for char in value),
        ]
    )


DATES = st.sampled_from(
    "Tue, 24 Nov 2026 10:00:00 GMT|24 Nov 2026 10:00 +0100|2026-11-24T10:00:00.5Z|2026-11-24|Thu,28 Jul 2022 4:35:5 GMT+9|1520932969|soon|"
    "|24.11.2026 10:00|2026\u5e7411\u670824\u65e5".split("|")
)
PEOPLE = st.sampled_from(
    "A. Writer|a@herald.example (A. Writer)|A. Writer &lt;a@herald.example&gt;|a@herald.example|A, B & C||@writer|(x) a@b.example?subject=y".split("|")
) | WORDS  # fmt: skip
ATTRIBUTES = st.sampled_from(
    ["", "", "", "", ' type="html"', ' type="text"', ' type="TEXT/HTML"', ' type="text/plain"', ' xml:lang="fr"', ' xml:base="/b/"', ' base="c/"',
     ' type="xhtml"', ' mode="escaped"', ' shop:type="html"', ' xml:base="http://[bad"', ' type=""', ' src="/x"']
)  # fmt: skip


def elements(names, texts):
    """Generates elements with one of these names and one of these texts."""
    return st.builds(
        lambda name, attributes, text: f"<{name}{attributes}>{text}</{name}>",
        st.sampled_from(names.split()),
        ATTRIBUTES,
        texts.flatmap(as_text),
    )


LINKS = st.builds(
    "<{}link{}{}>{}".format,
    st.sampled_from(["", "atom:"]),
    st.sampled_from(["", ' rel="alternate"', ' rel="self"', ' rel="Alternate" type="text/html"', ' type="application/pdf"', ' rel=""']),
    URIS.map(lambda uri: f' href="{escape(uri)}"/') | URIS.map(lambda uri: f' url="{escape(uri)}"/') | st.just(' href=""/'),
    st.just(""),
)  # fmt: skip
PERSONS = st.builds(
    lambda name, parts: f"<{name}>{''.join(parts)}</{name}>",
    st.sampled_from(["author", "atom:author", "contributor", "itunes:owner"]),
    st.lists(
        elements("name name itunes:name", PEOPLE) | elements("email uri url", PEOPLE | URIS) | st.sampled_from(["text", '<shop:image src="x"/>', "<shop:x>y</shop:x>"]),
        max_size=3,
    ),
)  # fmt: skip
TEXTS = elements(
    "title title title dc:title media:title description description dc:description media:description summary itunes:summary content content:encoded"
    " content:encoded itunes:subtitle media:text rights subtitle TITLE Description",
    HTML | WORDS,
)
ORDINARY = (
    TEXTS
    | TEXTS
    | elements("guid guid id link link", URIS | WORDS)
    | st.builds("<guid isPermaLink='{}'>{}</guid>".format, st.sampled_from(["true", "false", "False", ""]), URIS.map(escape))
    | LINKS
    | elements("pubDate pubdate published updated dc:date dcterms:modified dcterms:created dcterms:issued created modified issued", DATES)
    | elements("author dc:creator itunes:author dc:author managingEditor", PEOPLE)
    | elements("feedburner:origLink", URIS)
    | elements("media:text itunes:subtitle", HTML | WORDS)
    | st.sampled_from(["<link rel='enclosure' title='A &amp; b' href='/x.mp3'/>", "<atom:link rel='enclosure' title='' href='x'/>"])
    | elements("category dc:subject comments slash:comments wfw:commentRss shop:price language source thumbnail itunes:duration keywords dc:publisher", WORDS)
    | st.builds("<media:group>{}</media:group>".format, st.lists(TEXTS, max_size=2).map("".join))
    | st.builds("<media:content url='x' type='image/jpeg'>{}</media:content>".format, st.lists(TEXTS, max_size=1).map("".join))
    | st.sampled_from(
        ['<enclosure url="a.mp3" type="audio/mpeg" length="1"/>', '<media:thumbnail url="t.jpg"/>', "<itunes:image href='i.jpg'/>", "stray text", "<!-- a -->", "<?pi x?>",
         '<m:title xmlns:m="https://search.yahoo.com/mrss/">M</m:title>', '<x:title xmlns:x="http://www.w3.org/2005/Atom">A</x:title>',
         "<itunes:category text='News'><itunes:category text='Daily'/></itunes:category>"]
    )
)  # fmt: skip
ODD = (
    PERSONS
    | elements("date url authors tags items shop:title shop:link content_encoded media_title abstract body fullitem dcterms:valid newlocation", WORDS)
    | st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["image", "source", "textInput", "shop:box"]), st.lists(elements("url title link name shop:x", WORDS), max_size=2).map("".join))
    | st.sampled_from(
        ['<georss:point xmlns:georss="http://www.georss.org/georss">45 -71</georss:point>', '<media:title xmlns:media="https://other.example/">M</media:title>',
         '<t xmlns="http://x.example/">u</t>', "<title><b>Bold</b></title>", "<content type='xhtml'><div>x</div></content>"]
    )
)  # fmt: skip
FIELDS = ORDINARY | ORDINARY | ORDINARY | ORDINARY | ORDINARY | ODD
SOME = st.lists(FIELDS, max_size=5).map("".join)
ENTRIES = st.lists(st.tuples(SOME, st.sampled_from(["", "", ' rdf:about="https://herald.example/1"', ' xml:base="http://b.example/"', ' href="/x"'])), min_size=1, max_size=3)  # fmt: skip
DECLARED = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
ROOT = st.sampled_from(
    [
        "",
        "",
        ' xml:lang="en_GB"',
        ' lang="de"',
        ' xml:base="https://b.example/x/"',
        ' shop:lang="x"',
    ]
)


def _items(name, entries):
    return "".join(f"<{name}{attributes}>{fields}</{name}>" for fields, attributes in entries)


RSS = st.builds(
    lambda root, version, before, entries, after: (
        f"<rss{version}{DECLARED}{root}><channel>{before}{_items('item', entries)}{after}</channel></rss>"
    ),
    ROOT, st.sampled_from([' version="2.0"', ' version="0.91"', "", ' xmlns="http://backend.userland.com/rss2"']), SOME, ENTRIES, SOME | st.just(""),
)  # fmt: skip
ATOM = st.builds(
    lambda root, before, entries: (
        f'<feed xmlns="http://www.w3.org/2005/Atom"{DECLARED}{root}>{before}{_items("entry", entries)}</feed>'
    ),
    ROOT, SOME, ENTRIES,
)  # fmt: skip
RDF = st.builds(
    lambda root, default, before, entries, beside: (
        f"<rdf:RDF{default}{DECLARED}{root}>{beside[0]}<channel>{before}</channel>{beside[1]}{_items('item', entries)}</rdf:RDF>"
    ),
    ROOT,
    st.sampled_from([' xmlns="http://purl.org/rss/1.0/"', ' xmlns="http://my.netscape.com/rdf/simple/0.9/"', ""]),
    SOME, ENTRIES,
    st.lists(st.sampled_from(["", "<image><title>Logo</title><url>x</url></image>", "<textinput><title>Find</title><name>q</name></textinput>"]), min_size=2, max_size=2),
)  # fmt: skip


@thorough
@given(RSS | ATOM | RDF)
def test_a_generated_feed_is_read_as_by_feedparser(quickly, document):
    quickly(document.encode())


@thorough
@given(HTML, URIS.filter(lambda uri: uri.startswith("http")) | st.just(URL))
@example("<a title=\"&#39;\" href='/x'>y</a>", URL)
def test_markup_is_written_as_by_feedparser(html, base):
    assert with_absolute_uris(html, base) == resolve_relative_uris(html, base, "utf-8", "text/html")


WORDPRESS = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"{DECLARED} xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>
<title>The Herald</title><atom:link href="/feed" rel="self" type="application/rss+xml"/><link>https://herald.example</link>
<description>News</description><lastBuildDate>Tue, 24 Nov 2026 10:00:00 +0000</lastBuildDate><language>en-GB</language>
<sy:updatePeriod>hourly</sy:updatePeriod><generator>https://wordpress.org/?v=6.9</generator>
<image><url>https://herald.example/i.png</url><title>The Herald</title><link>https://herald.example</link><width>32</width></image>
<item><title>Ministers meet &#8211; again</title><link>https://herald.example/2026/talks/</link><comments>https://herald.example/2026/talks/#respond</comments>
<dc:creator><![CDATA[A. Writer]]></dc:creator><pubDate>Tue, 24 Nov 2026 09:59:00 +0000</pubDate><category><![CDATA[World]]></category>
<guid isPermaLink="false">https://herald.example/?p=7</guid><description><![CDATA[<p>In short <a href="/x?a=1&amp;b">R&D</a> [&#8230;]</p>]]></description>
<content:encoded><![CDATA[<p class="lead">At length.</p><!-- wp:image --><figure><img src="/i.jpg" alt="" loading="lazy" /></figure><br/>]]></content:encoded>
<wfw:commentRss>https://herald.example/2026/talks/feed/</wfw:commentRss><slash:comments>0</slash:comments>
<media:content url="https://herald.example/i.jpg" medium="image"><media:title type="html">Talks</media:title></media:content></item></channel></rss>"""
YOUTUBE = f"""<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015"{DECLARED} xmlns="http://www.w3.org/2005/Atom">
<link rel="self" href="http://video.example/feed"/><id>yt:channel:1</id><title>Herald TV</title><author><name>Herald</name><uri>/h</uri></author>
<entry><id>yt:video:1</id><yt:videoId>1</yt:videoId><title>Talks</title><link rel="alternate" href="/watch?v=1"/><author><name>Herald</name></author>
<published>2026-11-24T09:00:00+00:00</published><updated>2026-11-24T10:00:00+00:00</updated>
<media:group><media:title>Talks on film</media:title><media:description>At length: https://herald.example</media:description>
<media:community><media:starRating count="1"/></media:community></media:group></entry>
<entry xml:base="/b/"><id>tag:herald.example,2026:2</id><title type="html">&lt;b>Bold&lt;/b></title><link href="2"/><content type="html">&lt;p>x&lt;/p></content></entry></feed>"""
RSS_1 = f"""<rdf:RDF xmlns="http://purl.org/rss/1.0/"{DECLARED}><channel rdf:about="/"><title>Herald</title><dc:language>en</dc:language>
<items><rdf:Seq><rdf:li rdf:resource="/1"/></rdf:Seq></items></channel><image rdf:about="/i"><title>Logo</title><url>/i</url><link>/</link></image>
<item rdf:about="https://herald.example/1"><title>Talks</title><link>/1</link><description>In short</description><dc:date>2026-11-24T10:00Z</dc:date></item></rdf:RDF>"""


@pytest.mark.parametrize("document", [WORDPRESS, YOUTUBE, RSS_1])
def test_an_ordinary_feed_is_read_quickly(quickly, document):
    assert quickly(document.encode(), **{"content-language": "en_US"})


@pytest.mark.parametrize(
    ("ordinary", "other"),
    [
        ("<?xml version", "<!DOCTYPE rss [<!ENTITY x 'y'>]><?xml version"),
        ("[&#8230;]</p>]]></description>", "]]></description><description>&hellip;</description>"),
        ("</item>", ""),
        ("<comments>", "<description type='xhtml'><p>x</p></description><comments>"),
        ("<comments>", "<authors>A. Writer</authors><comments>"),
        ("<category>", "<author><name>B. Writer</name></author><category>"),
        ("<comments>", "<date>2026-11-24</date><comments>"),
        ("xmlns:media=", "xmlns:dc2='http://purl.org/rss/1.0/modules/content/' xmlns:content2='x' xmlns:itunes2='y' xmlns:m="),
        ("<comments>", "<content:title xmlns:content='http://www.w3.org/2005/Atom'>x</content:title><comments>"),
    ],
)  # fmt: skip
def test_a_feed_that_is_not_ordinary_is_left_to_feedparser(quickly, ordinary, other):
    assert ordinary in WORDPRESS
    assert not quickly(WORDPRESS.replace(ordinary, other, 1).encode())


def _real_feeds():
    return [path for path in sorted(CORPUS.glob("*")) if path.suffix in {".xml", ".rss"}]


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus of real feeds in {CORPUS}")
def test_real_feeds_are_read_as_by_feedparser_and_nearly_all_of_them_quickly(quickly):
    taken = [quickly(path.read_bytes()) for path in _real_feeds()]
    assert sum(taken) >= 0.85 * len(taken)


# A copy of https://github.com/kurtmckee/feedparser beside this one.
FEEDPARSER = Path(os.environ.get("FEEDPARSER_SOURCE", "../feedparser")) / "tests"


@pytest.mark.skipif(not FEEDPARSER.exists(), reason=f"no source of feedparser beside, {FEEDPARSER}")
def test_the_documents_of_feedparsers_own_tests_are_read_as_by_feedparser(quickly):
    for path in sorted(FEEDPARSER.rglob("*.xml")):
        quickly(path.read_bytes())
