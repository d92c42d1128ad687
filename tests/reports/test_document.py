"""The report as one page, whatever strangers wrote."""

from html.parser import HTMLParser

import pytest

from monitor.model import Alert, ReportSchedule, as_json, from_json
from monitor.reports.document import Extent, render_html
from monitor.reports.figures import Tally
from monitor.reports.letter import report_alert, report_in
from monitor.reports.summary import headline, summarise

HOSTILE = "<script>alert(1)</script>\u202e\x1b[2J&amp;\"'><img src=x>"
VOID = {"meta", "br", "img", "link"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its text, and whether they are nested."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.styles, self.text, self.open = [], [], [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.links += [
            attributes[name] for name in ("href", "src", "background") if name in attributes
        ]
        assert not any(name.startswith("on") for name in attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def shown(figures, **options):
    html = render_html(figures, "Europe/Brussels", **options)
    page = Page(html)
    assert page.open == []
    return html, page


def test_the_page_says_what_was_counted(figures):
    _, page = shown(figures())
    text = " ".join(page.text.split())
    for part in (
        "16 November, 08:00 to 23 November 2026, 08:00",
        "12 articles, 5 more than in the 7 days before.",
        "times in Europe/Brussels",
        "by day, from 08:00 to 08:00; most: 8 on Sun 22 Nov.",
        "2 outlets with 3 articles: Herald 16 Nov, 08:00 → Herald 1 16 Nov, 09:00",
        "1 found by looking back",
        "1 match was found by looking back",
        "English",
        "unknown",
    ):
        assert part in text


def test_the_page_needs_nothing_from_outside_and_runs_nothing(figures):
    html, page = shown(figures())
    assert set(page.links) == {"https://herald.example/1"}
    assert not set(page.tags) & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "img",
        "svg",
    }
    assert "@import" not in html
    assert "url(" not in html


def test_strangers_text_is_text(figures):
    html, page = shown(figures(title=HOSTILE, source=HOSTILE))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in html
    assert "\x1b" not in html


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", 'https://a.example/"onclick="x', " https://a.example",
            "https://a.example/\u202etxt", "", "ftp://a.example/"],
)  # fmt: skip
def test_only_links_to_the_web_can_be_followed(figures, url):
    _, page = shown(figures(url=url))
    assert page.links == []
    assert "Ministers meet" in page.text


def test_without_a_comparison_the_page_says_so(figures):
    _, page = shown(figures(compared=False))
    assert "no comparison: the archive does not reach back 14 days" in page.text
    assert "more" not in page.text.replace("no comparison", "")


def test_a_quiet_period_is_a_report(figures):
    quiet = figures(
        articles=Tally(0, 0), steps=(0,) * 7, steps_before=(0,) * 7, watchlists=0, sources=(),
        languages=(), spikes=(), spike_count=0,
    )  # fmt: skip
    _, page = shown(quiet)
    assert "0 articles, as many as in the 7 days before." in " ".join(page.text.split())
    assert "Stories" not in page.text


@pytest.mark.parametrize("steps", [1, 8, 24, 31, 48, 62])
def test_each_step_has_its_place_in_the_chart(figures, steps):
    counts = tuple(range(steps))
    lengths = {1: 0.02, 8: 8, 24: 1, 31: 31, 48: 2, 62: 62}
    html, _ = shown(figures(days=lengths[steps], steps=counts, steps_before=counts))
    # One bar for each step of either period that has any articles, and the bars of the tables.
    assert html.count('class="now" height=') == steps - 1
    assert html.count('class="before" height=') == steps - 1


def test_an_extent_leaves_out_what_a_mail_has_no_room_for(figures):
    many = figures(watchlists=6, stories=4)
    whole, _ = shown(many)
    part, page = shown(many, extent=Extent(watchlists=2, stories=1, sources=1), note="More below.")
    assert part.count('class="title"') == 2
    assert "The stories of 4 more watchlists are not shown." in page.text
    assert "More below." in page.text
    assert len(part) < len(whole)


def test_the_summary_is_safe_lines_in_parts(figures):
    parts = summarise(figures(title=HOSTILE, url="javascript:x", watchlists=2), "Europe/Brussels")
    assert parts[0].heading == "12 articles, 5 more than in the 7 days before"
    headings = [part.heading for part in parts]
    assert headings == [
        "12 articles, 5 more than in the 7 days before", "Articles over time", "Share of voice", "Sources",
        "Languages", "Spikes", "Stories of nato-0", "Stories of nato-1",
    ]  # fmt: skip
    text = "\n".join(line for part in parts for line in (part.heading, *part.lines))
    assert text.isprintable() is False  # for its line breaks
    assert all(line.isprintable() for line in text.split("\n"))
    assert "javascript" not in text


def test_a_report_travels_as_an_alert_and_is_read_back(figures):
    schedule = ReportSchedule(
        "monday", "08:00", figures().until - figures().since, "Europe/Brussels"
    )
    alert = report_alert("desk", schedule, figures(), figures().until)
    read = from_json(Alert, as_json(alert))
    assert report_in(read.document) == (figures(), "Europe/Brussels")
    assert alert.document["article"]["title"].startswith("Report of 16 November")
    assert alert.document["snippets"][0]["text"] == f"{headline(figures())}."
    assert alert.id == report_alert("desk", schedule, figures(), figures().until).id
    assert alert.id != report_alert("other", schedule, figures(), figures().until).id


@pytest.mark.parametrize("report", [None, 1, {}, {"figures": {"since": 1}, "timezone": "UTC"},
                                    {"figures": {}, "timezone": "../../etc/passwd"}])  # fmt: skip
def test_what_is_no_report_or_of_another_version_is_not_read(report):
    assert report_in({"report": report}) is None
    assert report_in({}) is None
