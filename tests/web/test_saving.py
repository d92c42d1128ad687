"""Saving a query of the bench into the configuration's file."""

from structlog.testing import capture_logs

from monitor.config import load

QUERY = "cod OR herring OR halibut"
PRESENT = "cod OR herring"


def test_a_query_is_saved_after_what_changes_was_shown(serve, newsroom_of, open_page):
    served = serve("edit_watchlists: true")
    newsroom_of(served).publish("Halibut", "Halibut again.")
    directory = served.backend.runtime.config_directory
    before = (directory / "config.yaml").read_text()
    page = open_page(f"{served.url}/watchlists/fisheries/bench?q={QUERY.replace(' ', '+')}")
    page.get_by_role("button", name="Save …").click()
    page.wait_for_selector("h1:has-text('Save the query of fisheries?')")
    assert f"query: '{QUERY}'" in page.locator(".difference .gain").inner_text()
    assert (directory / "config.yaml").read_text() == before
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=The query is saved.")
    assert (directory / "config.yaml").read_text() == before.replace(f"'{PRESENT}'", f"'{QUERY}'")
    served.backend.reload()
    page.reload()
    assert QUERY in page.inner_text("pre.query")
    queries = {each.name: each.query for each in load(directory, {}).watchlists}
    assert queries["fisheries"] == QUERY


def test_nobody_saves_unless_the_configuration_allows_it(served, visitor_of):
    visit = visitor_of(served)
    assert "Save …" not in visit.get("/watchlists/fisheries/bench?q=x").text
    answer = visit.post("/watchlists/fisheries/query", q="x", present=PRESENT, confirmed="true")
    assert answer.status_code == 403


def test_a_query_that_is_broken_or_was_changed_meanwhile_is_not_saved(serve, visitor_of):
    visit = visitor_of(serve("edit_watchlists: true"))
    path, sent = "/watchlists/fisheries/query", {"present": PRESENT, "confirmed": "true"}
    answer = visit.post(path, q="(cod", **sent)
    assert answer.status_code == 422
    assert "the configuration has a fault" in answer.text
    assert visit.post(path, q="", **sent).status_code == 422
    answer = visit.post(path, q="cod", present="other", confirmed="true")
    assert answer.status_code == 422
    assert "The query of fisheries was changed meanwhile" in answer.text
    assert visit.post("/watchlists/nothing/query", q="cod", **sent).status_code == 404
    text = (visit.backend.runtime.config_directory / "config.yaml").read_text()
    assert f"query: '{PRESENT}'" in text


def test_no_secret_beside_the_query_is_shown(serve, visitor_of):
    configuration = """
feeds: [{url: "https://herald.example/feed"}]
subscribers:
  - {name: desk, webhook: {url: "https://hook.example/very-secret"}}
watchlists:
  - name: fisheries
    query: cod OR herring
settings: {user_agent: not-to-be-shown}
"""
    visit = visitor_of(serve("edit_watchlists: true", configuration))
    page = visit.post("/watchlists/fisheries/query", q="cod", present=PRESENT).text
    assert "+    query: &#39;cod&#39;" in page
    assert "very-secret" not in page
    assert "not-to-be-shown" not in page


NORTH_SEA = "Fisheries, North Sea"


def test_a_new_query_becomes_a_watchlist_with_name_and_subscribers(serve, newsroom_of, open_page):
    served = serve("edit_watchlists: true")
    newsroom_of(served).publish("Halibut", "Halibut again.")
    directory = served.backend.runtime.config_directory
    page = open_page(f"{served.url}/bench?q=halibut")
    page.get_by_role("button", name="Save as a watchlist …").click()
    page.get_by_label("Name").fill(NORTH_SEA)
    page.get_by_label("desk").check()
    page.get_by_role("button", name="Go on …").click()
    page.wait_for_selector(f"h1:has-text('Add the watchlist {NORTH_SEA}?')")
    assert "query: 'halibut'" in page.inner_text(".difference")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=The query is saved.")
    assert page.inner_text("h1") == NORTH_SEA
    new = load(directory, {}).watchlists[-1]
    assert (new.name, new.title, new.query) == ("fisheries-north-sea", NORTH_SEA, "halibut")
    assert new.subscribers == ("desk",)


def test_a_watchlist_whose_name_is_taken_or_whose_query_is_broken_is_not_added(serve, visitor_of):
    visit = visitor_of(serve("edit_watchlists: true"))
    file = visit.backend.runtime.config_directory / "config.yaml"
    before = file.read_text()
    answer = visit.post("/watchlists", q="cod", title="fisheries", confirmed="true")
    assert answer.status_code == 422
    assert "There is a watchlist fisheries already" in answer.text
    answer = visit.post("/watchlists", q="(cod", title="new", confirmed="true")
    assert answer.status_code == 422
    answer = visit.post("/watchlists", q="cod", title="new", subscriber="nobody", confirmed="true")
    assert answer.status_code == 422
    assert file.read_text() == before


def test_nobody_adds_a_watchlist_unless_the_configuration_allows_it(served, visitor_of):
    visit = visitor_of(served)
    assert "Save as a watchlist" not in visit.get("/bench?q=x").text
    assert visit.post("/watchlists", q="x", title="x", confirmed="true").status_code == 403


def test_a_configuration_that_is_broken_already_is_not_blamed_on_the_query(serve, visitor_of):
    visit = visitor_of(serve("edit_watchlists: true"))
    (visit.backend.runtime.config_directory / "more.yaml").write_text("watchlists: nonsense")
    for path in ("/watchlists/fisheries/query", "/watchlists"):
        answer = visit.post(path, q="cod", present=PRESENT, title="new")
        assert answer.status_code == 422
        assert "The configuration is broken already, and must be mended first" in answer.text
        assert "more.yaml:1" in answer.text


def test_the_log_says_who_saved_a_query(serve, visitor_of):
    settings = "edit_watchlists: true, proxies: [127.0.0.1], user_header: Remote-User"
    visit = visitor_of(serve(settings), **{"Remote-User": "anna"})
    with capture_logs() as logs:
        visit.post("/watchlists/fisheries/query", q="cod", present=PRESENT, confirmed="true")
    (line,) = [each for each in logs if each["event"] == "query saved"]
    assert (line["watchlist"], line["by"]) == ("fisheries", "anna")
