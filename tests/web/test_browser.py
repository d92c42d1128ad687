"""The pages in a real browser: keys, live alerts, history, narrow screens, strangers' markup."""

import json
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from monitor.alerts.mutes import mute_of

COUNCIL = "The NATO-Russia Council met on Monday.\nLittle was said."
SCHEMES = ("light", "dark")
FIGURES = (
    "/watchlists",
    "/watchlists/nato-russia",
    "/watchlists/fisheries/bench?q=council",
    "/bench?q=nato+council+AND+monday",
    "/coverage",
    "/coverage?by=source&stacked=true",
)


def test_an_alert_opens_beside_the_list_by_keyboard_and_back_closes_it(served, newsroom, open_page):
    newsroom.publish("Envoys meet", COUNCIL, age=timedelta(hours=3))
    (cod,) = newsroom.publish("Cod quotas", "Cod again.")
    page = open_page(served.url)
    page.keyboard.press("j")
    page.wait_for_selector("#reader-title:has-text('Cod quotas')")
    page.wait_for_selector(".entry.open:not(.unread)")
    assert page.url == f"{served.url}/alerts/{cod['id']}"
    assert page.locator(".entry.unread").count() == 1
    page.keyboard.press("j")
    page.wait_for_selector("#reader-title:has-text('Envoys meet')")
    page.keyboard.press("s")
    page.wait_for_selector(".entry.starred h2:has-text('Envoys meet')")
    page.go_back()
    page.wait_for_selector("#reader-title:has-text('Cod quotas')")
    page.go_back()
    page.wait_for_selector(".placeholder")


def test_the_number_of_unread_alerts_follows_what_is_opened(served, newsroom, open_page):
    newsroom.publish("Envoys meet", COUNCIL, age=timedelta(hours=3))
    newsroom.publish("Cod quotas", "Cod again.")
    page = open_page(served.url)
    unread = page.locator("[data-unread]")
    assert unread.inner_text() == "2"
    page.keyboard.press("j")
    page.wait_for_selector("[data-unread] data:text-is('1')")
    page.keyboard.press("s")
    page.wait_for_selector(".entry.starred")
    assert unread.inner_text() == "1"
    page.keyboard.press("u")
    page.wait_for_selector("[data-unread] data:text-is('2')")


@pytest.mark.parametrize("width", [380, 640, 800])
def test_every_page_is_in_sight_in_the_menu(served, open_page, width):
    page = open_page(served.url, width=width)
    for link in page.locator(".bar nav a").all():
        box = link.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width, link.inner_text()


def test_new_alerts_are_counted_and_move_nothing(served, newsroom, open_page, redis):
    newsroom.publish("Envoys meet", COUNCIL)
    page = open_page(served.url)
    before = page.locator(".entry").count()
    for number in range(2):
        redis.xadd("presswatch:alerts", {"alert": json.dumps({"id": str(number)})})
    page.wait_for_selector("#new-alerts a:text('2 new alerts')")
    assert page.locator(".entry").count() == before


def test_on_a_narrow_screen_one_thing_is_shown_at_a_time(served, newsroom, open_page):
    newsroom.publish("Envoys meet", COUNCIL)
    page = open_page(served.url, width=380)
    assert not page.locator("#pane").is_visible()
    page.click(".entry h2 a")
    page.wait_for_selector("#reader-title")
    assert not page.locator(".list").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    page.click("text=All alerts")
    page.wait_for_selector(".entry")


def test_times_and_numbers_are_the_readers_own(served, newsroom, open_page):
    newsroom.publish("Envoys meet", COUNCIL)
    page = open_page(served.url, locale="de-DE", timezone_id="Europe/Berlin")
    assert page.locator(".entry time").inner_text().startswith("vor ")
    assert page.locator("[data-language=en]").first.inner_text() == "Englisch"


def test_markup_of_strangers_does_nothing(served, newsroom, open_page):
    newsroom.publish(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(2)> NATO-Russia Council",
        url="javascript:alert(3)",
        source="<svg onload=alert(4)>",
    )
    page = open_page(served.url)
    page.click(".entry h2 a")
    page.wait_for_selector("#reader-title")
    assert page.locator("#reader-title").inner_text() == "<script>alert(1)</script>"
    assert page.locator("#pane a[href^=javascript]").count() == 0


def test_the_bench_answers_while_one_types(served, newsroom, open_page):
    newsroom.publish("Cod", "Cod again.")
    newsroom.publish("Trout", "Trout again.")
    page = open_page(f"{served.url}/watchlists/fisheries/bench")
    page.fill("#q", "cod trout OR herring")
    page.wait_for_selector(".fault mark:text('cod trout')")
    page.click(".fixes a >> nth=0")
    page.wait_for_selector(".lead:has-text('0 articles')")
    assert page.input_value("#q") == '"cod trout" OR herring'
    page.fill("#q", "cod OR trout")
    page.wait_for_selector(".lead:has-text('2 articles')")
    assert "q=cod+OR+trout" in page.url.replace("%20", "+")
    assert page.locator("section:has(#gained) mark").all_inner_texts() == ["Trout"]
    page.reload()
    assert page.input_value("#q") == "cod OR trout"


def test_yaml_is_copied_by_one_click(served, newsroom, open_page):
    page = open_page(f"{served.url}/bench?q=cod", permissions=["clipboard-read", "clipboard-write"])
    page.click("text=Copy YAML")
    page.wait_for_selector("[data-copied]:text('Copied.')")
    assert "query: 'cod'" in page.evaluate("navigator.clipboard.readText()")


def test_a_click_on_a_day_of_the_chart_shows_its_stories(served, newsroom, open_page):
    newsroom.publish("Cod today", "Cod again.", age=timedelta(0))
    newsroom.publish("Cod before", "Cod again.", age=timedelta(days=5))
    page = open_page(f"{served.url}/coverage?period=7d")
    over = page.locator(".u-over")
    box = over.bounding_box()
    over.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    page.wait_for_selector("#stories:has-text('of the day')")
    assert "at=" in page.url
    assert page.locator("section:has(#stories) h3").all_inner_texts() == ["Cod today"]


@pytest.mark.parametrize("path", FIGURES)
def test_pages_of_figures_fit_on_a_narrow_screen(served, newsroom, open_page, path):
    newsroom.publish("Envoys meet " * 5, COUNCIL, source="A-source-with-a-long-name" * 3)
    page = open_page(f"{served.url}{path}", width=380)
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?watchlist=nobody",
        "/?q=(nato",
        "/nothing",
        "alert",
        *FIGURES,
        "story",
        "/feeds",
        "/feeds?q=nothing",
        "/queues",
        "/deliveries",
        "/mutes",
        "/later",
        "later",
        "/later?watchlist=nobody",
        "/configuration",
        "/configuration?part=watchlists",
        "/configuration?part=subscribers",
    ],
)
def test_readers_with_disabilities_can_use_every_page(served, newsroom, chromium, path, scheme):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    newsroom.publish("Cod quotas", "Cod again.")
    mute = mute_of(alert, "source", now=newsroom.now, length=None)
    served.backend.runtime.store.mutes.add(mute)
    later = newsroom.find_later("Herring", "Herring again.", "fisheries")
    addresses = {
        "alert": f"/alerts/{alert['id']}",
        "story": f"/stories/{alert['story']['id']}",
        "later": f"/later/{later.id}",
    }
    path = addresses.get(path, path)
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{served.url}{path}")
    assert not violations(page)
    context.close()


def violations(page):
    """The serious findings of axe-core, with the elements that they are about."""
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in Axe().run(page).response["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_readers_with_disabilities_can_save_a_query(serve, newsroom_of, chromium, scheme):
    served = serve("edit_watchlists: true")
    newsroom_of(served).publish("Cod quotas", "Cod again.")
    page = chromium.new_context(color_scheme=scheme, bypass_csp=True).new_page()
    page.goto(f"{served.url}/watchlists/fisheries/bench?q=cod")
    page.get_by_role("button", name="Save …").click()
    assert not violations(page)
    page.goto(f"{served.url}/bench?q=cod")
    page.get_by_role("button", name="Save as a watchlist …").click()
    page.wait_for_selector("h1:has-text('New watchlist')")
    assert not violations(page)
    page.get_by_label("Name").fill("Cod")
    page.get_by_role("button", name="Go on …").click()
    page.wait_for_selector("h1:has-text('Add the watchlist')")
    assert not violations(page)
