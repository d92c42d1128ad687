"""Commands for feeds, against a site on loopback: what is found, added, and said."""

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from monitor.catalogue import Publisher
from monitor.cli import probing, suggesting
from monitor.model import Feed

HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture
def config(configure):
    directory = configure("feeds: []\n")
    return ("--config", str(directory))


def put_page(site, path, *links, body=""):
    head = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'
        for title, href in links
    )
    page = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
    site.pages[path] = (200, HTML, page.encode())


def listed(presswatch, config):
    lines = presswatch.call("feeds", "list", "--json", *config).stdout.splitlines()
    return [json.loads(line) for line in lines]


def urls(presswatch, config):
    return [feed["url"] for feed in listed(presswatch, config)]


def test_a_page_leads_to_the_feed_that_it_names(presswatch, config, site):
    site.put_feed("/world.rss", [("Envoys meet", "/1")])
    put_page(site, "/world", ("World", "/world.rss"))
    added = presswatch.call("feeds", "add", f"{site.url}/world", "--tag", "x", *config)
    assert added.returncode == 0, added.stderr
    assert f"{site.url}/world is a page; its feed is {site.url}/world.rss" in added.stdout
    assert "H: 1 entry" in added.stdout
    assert [(each["url"], each["tags"]) for each in listed(presswatch, config)] == [
        (f"{site.url}/world.rss", ["x"])
    ]
    again = presswatch.call("feeds", "add", f"{site.url}/world", *config)
    assert again.returncode == 1
    assert "is already a feed" in again.stderr


def test_without_a_terminal_a_page_of_several_feeds_lists_them_and_adds_none(
    presswatch, config, site
):
    put_page(site, "/", ("All \x1b[31mnews", "/all.rss"), ("Sport", "/sport.rss"))
    refused = presswatch.call("feeds", "add", f"{site.url}/", *config)
    assert refused.returncode == 1
    assert f"  1  {site.url}/all.rss  All" in refused.stderr
    assert f"  2  {site.url}/sport.rss  Sport" in refused.stderr
    assert "\x1b" not in refused.stderr
    assert urls(presswatch, config) == []


def test_on_a_terminal_one_of_several_feeds_is_chosen(presswatch, config, site):
    site.put_feed("/sport.rss", [("Goal", "/1")])
    put_page(site, "/", ("All", "/all.rss"), ("Sport", "/sport.rss"))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "monitor.cli", "feeds", "add", f"{site.url}/", *config]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.write(ours, b"7\n2\n")
    output, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, output
    assert urls(presswatch, config) == [f"{site.url}/sport.rss"]


def test_a_page_that_names_a_page_is_not_followed_further(presswatch, config, site):
    put_page(site, "/a", ("B", "/b"))
    put_page(site, "/b", ("A", "/a"))
    refused = presswatch.call("feeds", "add", f"{site.url}/a", *config)
    assert refused.returncode == 1
    assert f"{site.url}/b was not added: " in refused.stderr
    assert site.asked()["/a"] == 1


def test_a_page_does_not_choose_what_is_fetched_with_a_secret(presswatch, config, site):
    put_page(site, "/page?key=k3y-0123456789", ("Feed", "/feed"))
    refused = presswatch.call(
        "feeds", "add", f"{site.url}/page?key=${{KEY}}", *config, KEY="k3y-0123456789"
    )
    assert refused.returncode == 1
    assert "k3y" not in refused.stderr
    assert "/feed" not in site.asked()


def test_a_site_is_searched_for_what_it_names_links_to_and_lists(presswatch, config, site):
    site.put_feed("/all.rss", [("Envoys meet", "/1")])
    site.put_feed("/rss/sport", [("Goal", "/2"), ("Foul", "/3")])
    site.put_feed("/feeds/world.xml", [("Rain", "/4")])
    put_page(site, "/rss/", body='<a href="/feeds/world.xml">World</a>')
    body = '<a href="/rss/sport">Sport</a> <a href="/rss/">All feeds</a> <a href="/rss/gone">x</a>'
    put_page(site, "/", ("All", "/all.rss"), body=body)
    found = presswatch.call("feeds", "discover", site.url, *config)
    assert found.returncode == 0, found.stderr
    addresses = [line.split("  ")[0] for line in found.stdout.splitlines()]
    assert addresses == [
        f"{site.url}{path}" for path in ("/all.rss", "/rss/sport", "/feeds/world.xml")
    ]
    assert "H: 2 entries, the newest of 20" in found.stdout
    as_json = presswatch.call("feeds", "discover", site.url, "--json", *config)
    assert json.loads(as_json.stdout.splitlines()[1])["entries"] == 2
    assert urls(presswatch, config) == []


def test_a_site_that_names_no_feed_is_asked_for_the_usual_addresses(presswatch, config, site):
    put_page(site, "/", body="<p>Welcome</p>")
    site.put_feed("/feed", [("Envoys meet", "/1")])
    found = presswatch.call("feeds", "discover", site.url, *config)
    assert found.stdout.startswith(f"{site.url}/feed  H: 1 entry")
    del site.pages["/feed"]
    nothing = presswatch.call("feeds", "discover", site.url, *config)
    assert nothing.returncode == 1
    assert "no feed was found on" in nothing.stderr
    gone = presswatch.call("feeds", "discover", f"{site.url}/gone", *config)
    assert "HTTP 404" in gone.stderr


def test_a_search_asks_a_site_for_so_much_and_no_more(presswatch, config, site):
    body = "".join(f'<a href="/rss/{number}">x</a>' for number in range(500))
    put_page(site, "/", body=body)
    presswatch.call("feeds", "discover", site.url, *config)
    assert len(site.requests) <= 42


OPML = """<opml version="2.0"><body>
<outline text="Press"><outline text="Herald" type="rss" xmlUrl="{0}/rss"/>
<outline text="Herald" type="rss" xmlUrl="feed://b.example/rss"/></outline>
<outline text="Odd" xmlUrl="ftp://c.example/"/><outline text="$" xmlUrl="https://d.example/${{HOME}}"/>
</body></opml>"""


def test_an_exported_list_of_feeds_is_imported_and_what_cannot_be_is_named(
    presswatch, config, site, tmp_path
):
    file = tmp_path / "feeds.opml"
    file.write_text(OPML.format("https://user:pass@a.example"))
    tried = presswatch.call("feeds", "import", str(file), "--dry-run", *config)
    assert "3 feeds would be added; 0 were there already, 1 were skipped" in tried.stdout
    assert "pass" not in tried.stdout
    assert urls(presswatch, config) == []
    done = presswatch.call("feeds", "import", str(file), "--tag", "old", *config)
    assert done.returncode == 0, done.stderr
    assert "skipped ftp://c.example/: its url must be an address that starts with" in done.stderr
    assert "3 feeds added to" in done.stdout
    assert "none of them was polled yet: `presswatch check --online`" in done.stdout
    assert [(each["url"], each["name"], each["tags"]) for each in listed(presswatch, config)] == [
        ("https://a.example/rss", "Herald", ["Press", "old"]),
        ("http://b.example/rss", None, ["Press", "old"]),
        # A stranger's file must not read our environment.
        ("https://d.example/${HOME}", "$", ["old"]),
    ]
    again = presswatch.call("feeds", "import", str(file), *config)
    assert "no feed added; 3 were there already, 1 were skipped" in again.stdout
    assert again.returncode == 0
    (tmp_path / "bad").write_text("ftp://a.example/\n")
    assert presswatch.call("feeds", "import", str(tmp_path / "bad"), *config).returncode == 1
    missing = presswatch.call("feeds", "import", str(tmp_path / "none"), *config)
    assert missing.returncode == 2
    assert "No such file" in missing.stderr


def test_feeds_are_exported_without_secrets_unless_asked(presswatch, configure, tmp_path):
    config = ("--config", str(configure(
        "feeds:\n- {url: 'https://a.example/?key=${KEY}', name: A, tags: [x]}\n"
        "- {url: 'https://user:pass@b.example/'}\n"
    )))  # fmt: skip
    exported = presswatch.call("feeds", "export", *config, KEY="k3y-0123456789")
    assert "${KEY}" in exported.stdout
    assert not {"k3y-0123456789", "pass@"} & set(exported.stdout.split('"'))
    assert "k3y" not in exported.stdout
    assert "2 addresses without the secrets they need" in exported.stderr
    full = presswatch.call("feeds", "export", "--with-secrets", *config, KEY="k3y-0123456789")
    assert "key=k3y-0123456789" in full.stdout
    assert "user:pass@b.example" in full.stdout
    (tmp_path / "feeds.opml").write_text(full.stdout)
    again = presswatch.call(
        "feeds", "import", str(tmp_path / "feeds.opml"), *config, KEY="k3y-0123456789"
    )
    assert "2 were there already, 0 were skipped" in again.stdout


def test_a_feed_is_removed_by_its_address_or_id(presswatch, configure):
    directory = configure(
        "feeds:\n# all\n- url: https://a.example/?key=${KEY}\n- url: https://b.example/\n"
        "- url: https://c.example/\n"
    )
    config = ("--config", str(directory))
    environ = {"KEY": "k3y-0123456789"}
    removed = presswatch.call(
        "feeds", "remove", "https://a.example/?key=${KEY}", *config, **environ
    )
    assert removed.returncode == 0, removed.stderr
    assert "k3y" not in removed.stdout
    by_id = listed(presswatch, config)[0]["id"]
    assert presswatch.call("feeds", "remove", by_id, *config).returncode == 0
    assert (directory / "config.yaml").read_text() == "feeds:\n# all\n- url: https://c.example/\n"
    unknown = presswatch.call("feeds", "remove", "https://b.example/", *config)
    assert unknown.returncode == 1
    assert "is not a feed of this configuration" in unknown.stderr
    last = presswatch.call("feeds", "remove", "https://c.example/", *config)
    assert "it was the last feed" in last.stdout


def test_the_list_says_how_each_feed_fares(presswatch, configure, site, store, redis_url):
    directory = configure(f"feeds: [{{url: '{site.url}/a', tags: [x]}}, {{url: '{site.url}/b'}}]\n")
    config = ("--config", str(directory))
    site.put_feed("/a", [("Envoys meet", "/1"), ("Rain", "/2")])
    config = (*config, "--data", str(directory))
    before = presswatch.call("feeds", "list", *config)
    assert [line.split()[1] for line in before.stdout.splitlines()] == ["-", "-"]
    store.feeds.schedule([Feed(f"{site.url}/a")], datetime.now(UTC))
    presswatch.call("feeds", "poll", f"{site.url}/a", *config, REDIS_URL=redis_url)
    presswatch.call("feeds", "poll", f"{site.url}/b", *config, REDIS_URL=redis_url)
    after = presswatch.call("feeds", "list", *config, REDIS_URL=redis_url).stdout.splitlines()
    assert re.search(rf"  ok  +~\ds  +8 a day  +\ds ago  +{site.url}/a  H  x$", after[0])
    assert re.search(rf"  failing  +-  +-  +never  +{site.url}/b$", after[1])
    as_json = presswatch.call("feeds", "list", "--json", *config, REDIS_URL=redis_url)
    state = json.loads(as_json.stdout.splitlines()[0])
    assert state["succeeded_at"]
    assert state["entries_a_day"] == 8


def test_the_sitemap_of_a_site_without_feeds_is_found_and_added(presswatch, config, site):
    put_page(site, "/", body="<p>Welcome</p>")
    site.pages["/robots.txt"] = (200, {}, f"Sitemap: {site.url}/maps.xml".encode())
    urlset = f"<urlset><url><loc>{site.url}/1</loc><lastmod>2026-11-24</lastmod></url></urlset>"
    site.pages["/maps.xml"] = (
        200,
        {},
        f"<sitemapindex><sitemap><loc>{site.url}/m</loc></sitemap></sitemapindex>".encode(),
    )
    site.pages["/m"] = (200, {}, urlset.encode())
    found = presswatch.call("feeds", "discover", site.url, *config)
    assert (
        found.stdout
        == f"{site.url}/maps.xml  a sitemap: 1 entry, the newest of 2026-11-24 00:00 UTC\n"
    )
    added = presswatch.call("feeds", "add", f"{site.url}/maps.xml", *config)
    assert added.returncode == 0, added.stderr
    assert urls(presswatch, config) == [f"{site.url}/maps.xml"]


def test_feeds_are_suggested_by_country_and_language_and_said_to_be_untried(presswatch, config):
    found = presswatch.call("feeds", "suggest", "--country", "be", "--language", "fr", *config)
    assert found.returncode == 0, found.stderr
    assert all(line.startswith("BE  fr  ") for line in found.stdout.splitlines())
    assert "untried, from" in found.stderr
    as_json = presswatch.call("feeds", "suggest", "--country", "BE", "--json", *config)
    first = json.loads(as_json.stdout.splitlines()[0])
    assert first["tried"] is False
    assert first["source_date"].startswith("20")
    countries = presswatch.call("feeds", "suggest", *config)
    assert "BE  1" in countries.stdout
    unknown = presswatch.call("feeds", "suggest", "--country", "XX", *config)
    assert unknown.returncode == 1
    assert "no publisher of XX" in unknown.stderr
    assert presswatch.call("feeds", "suggest", "--add", *config).returncode == 2


def test_suggested_feeds_are_polled_and_those_that_answer_are_added(
    presswatch, config, site, monkeypatch
):
    site.put_feed("/a", [("Envoys meet", "/1")])
    site.put_feed("/empty", [])
    put_page(site, "/page", ("Feed", "/a"))
    known = [
        Publisher("BE", "fr", name, f"{site.url}{path}", "feed", "kite")
        for name, path in [("A", "/a"), ("B", "/gone"), ("C", "/empty"), ("D", "/page")]
    ]
    # The catalogue of the wheel names servers that are not ours to ask.
    monkeypatch.setattr(suggesting, "publishers", lambda: iter(known))
    done = presswatch.call("feeds", "suggest", "--country", "BE", "--tag", "be", "--add", *config)
    assert done.returncode == 0, done.stderr
    assert "1 feed added to" in done.stdout
    assert "3 were skipped" in done.stdout
    assert f"skipped {site.url}/gone: HTTP 404" in done.stderr
    assert f"skipped {site.url}/empty: it lists nothing" in done.stderr
    assert f"skipped {site.url}/page: no feed" in done.stderr
    assert [(each["name"], each["tags"]) for each in listed(presswatch, config)] == [("A", ["be"])]


def test_a_search_of_a_slow_site_comes_to_an_end(presswatch, config, site, monkeypatch):
    monkeypatch.setattr(probing, "MAX_SEARCH_S", 0.5)
    put_page(site, "/", body="".join(f'<a href="/rss/{number}">x</a>' for number in range(30)))
    site.delays = {f"/rss/{number}": 0.4 for number in range(30)}
    presswatch.call("feeds", "discover", site.url, *config)
    assert len(site.requests) < 10
