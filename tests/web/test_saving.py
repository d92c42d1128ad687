"""Saving a query of the bench into the configuration's file."""

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
