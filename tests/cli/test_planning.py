"""`presswatch plan`, as reviewers and their servers call it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from monitor.archive.database import open_archive
from monitor.archive.writer import Writer
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article

FEEDS = """
feeds:
  - {url: "https://a.example/feed", name: Herald, tags: [press]}
subscribers:
  - {name: desk, webhook: {url: "https://a.example/hook"}}
watchlists:
"""
OLD = f"""{FEEDS}
  - {{name: talks, query: council, subscribers: [desk]}}
  - {{name: same, query: summit}}
"""
NEW = f"""{FEEDS}
  - {{name: talks, query: 'council AND NOT "city council"', subscribers: [desk]}}
  - {{name: envoys, query: envoy*, priority: high, subscribers: [desk]}}
  - {{name: same, query: summit}}
"""


@pytest.fixture
def archived(tmp_path):
    """An archive with an article every 20 hours, and the option that names it."""
    engine = open_archive(None, tmp_path)
    now = datetime.now(UTC)
    texts = [
        "The NATO council met. \x1b[31m Envoys spoke.",
        "The city council met.",
        "Envoys at the summit.",
        "Nothing.",
    ]
    records = [
        Record(
            publication=Publication(
                now - timedelta(hours=20 * (4 - number)),
                Article(
                    f"id{number}", f"https://user:secret@a.example/{number}", f"Day\x1b[2J {number}",
                    text, "Herald", "https://a.example/feed", ("press",), story=f"id{number}",
                ),
                (MatchRecord("same", "1" * 32),) if "summit" in text else (),
                (
                    {"v": 1, "id": "1" * 32, "watchlist": "same", "priority": "normal",
                     "detected_at": (now - timedelta(days=2)).isoformat(),
                     "article": {"id": f"id{number}"}, "story": {"id": f"id{number}"}},
                ) if "summit" in text else (),
            )
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip
    assert Writer(engine).write(records) == []
    engine.dispose()
    return ("--data", str(tmp_path))


@pytest.fixture
def directories(tmp_path):
    """Write the old and the new configuration, and return the options that name them."""

    def write(old, new):
        for name, text in (("old", old), ("new", new)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "config.yaml").write_text(text, encoding="utf-8")
        return "--config", str(tmp_path / "new"), "--against", str(tmp_path / "old")

    return write


def test_a_plan_reads_like_a_review(presswatch, archived, directories):
    result = presswatch.call("plan", *directories(OLD, NEW), *archived)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("4 articles in 3.33 days, ")
    for expected in (
        "~ talks  changed",
        "  - query: council",
        '  + query: council AND NOT "city council"',
        "  alerts: 2 → 1 (0.6 → 0.3 a day), 0 gained, 1 lost",
        "+ envoys  new",
        "  overlap: of 2 alerts gained, 2 are on stories that others alert on: same 1, talks 1",
        "  + Day [2J 0",
        "  - Day [2J 1",
        "      envoy* in body, 1×",
        '      now: no match because of "city council"',
        "      https://a.example/0",
        "subscribers",
        "  desk: +0.3 alerts a day (+1)",
        "2 watchlists differ, 1 unchanged; 2 alerts gained, 1 lost (+0.3 a day)",
    ):
        assert expected in lines
    assert "\x1b" not in result.stdout


def test_samples_are_limited(presswatch, archived, directories):
    options = (*directories(OLD, NEW), *archived)
    result = presswatch.call("plan", *options, "--samples", "1")
    assert "  + and 1 more" in result.stdout
    result = presswatch.call("plan", *options, "--samples", "0")
    assert "Day" not in result.stdout


@pytest.mark.parametrize(("limit", "code"), [("1/d", 0), ("1/h", 0), ("1/m", 0), ("1/w", 2)])
def test_a_plan_within_the_limit_succeeds(presswatch, archived, directories, limit, code):
    result = presswatch.call("plan", *directories(OLD, NEW), *archived, "--fail-over", limit)
    assert result.returncode == code
    assert ("is not a rate; write for example 50/d" in result.stderr) is (code == 2)


def test_a_plan_over_the_limit_fails_and_names_the_watchlist(presswatch, archived, directories):
    new = f"{NEW}  - {{name: flood, query: day}}\n"
    options = (*directories(OLD, new), *archived, "--fail-over", "1/d")
    result = presswatch.call("plan", *options)
    assert result.returncode == 1
    assert "+ flood  new, OVER THE LIMIT" in result.stdout
    assert result.stdout.endswith("over 1/d: flood\n")
    plan = json.loads(presswatch.call("plan", *options, "--json").stdout)
    assert (plan["limit"], plan["over"]) == ("1/d", ["flood"])


def test_json_is_one_document(presswatch, archived, directories):
    result = presswatch.call("plan", *directories(OLD, NEW), *archived, "--json")
    assert result.returncode == 0
    plan = json.loads(result.stdout)
    assert (plan["v"], plan["articles"], round(plan["days"], 2), plan["unchanged"]) == (
        1, 4, 3.33, 1,
    )  # fmt: skip
    assert (plan["gained"], plan["lost"], plan["over"], plan["limit"]) == (2, 1, [], None)
    talks, envoys = plan["watchlists"]
    assert talks["parts"] == [
        {"key": "query", "before": "council", "after": 'council AND NOT "city council"'}
    ]
    assert (talks["change"], talks["renamed_from"]) == ("changed", None)
    assert talks["articles"] == {"before": 2, "after": 1}
    alerts = {name: talks["alerts"][name] for name in ("before", "after", "gained", "lost")}
    assert alerts == {"before": 2, "after": 1, "gained": 0, "lost": 1}
    assert talks["lost_samples"][0]["reason"] == 'no match because of "city council"'
    assert envoys["overlap"] == {"alerts": 2, "watchlists": {"same": 1, "talks": 1}}
    newest, oldest = envoys["gained_samples"]
    assert oldest["title"] == "Day\x1b[2J 0"
    assert newest["matches"] == [{"term": "envoy*", "field": "body", "count": 1}]
    assert newest["snippets"] == [{"text": "Envoys at the summit.", "highlights": [[0, 6]]}]
    [desk] = plan["subscribers"]
    assert (desk["name"], desk["alerts"]["before"], desk["alerts"]["after"]) == ("desk", 2, 3)
    assert "\x1b" not in result.stdout


def test_without_another_configuration_the_record_is_compared(presswatch, archived, directories):
    config, directory, *_ = directories(OLD, NEW)
    result = presswatch.call("plan", config, directory, *archived)
    assert result.returncode == 0
    assert result.stdout.splitlines()[0].endswith("against the alerts that were recorded")
    assert "+ talks  new" in result.stdout
    assert "same" not in result.stdout.replace("same 1", "")


def test_a_renamed_watchlist_says_what_it_was_called(presswatch, archived, directories):
    result = presswatch.call(
        "plan", *directories(OLD, OLD.replace("name: talks", "name: councils")), *archived
    )
    assert "~ councils  renamed from talks" in result.stdout


@pytest.mark.parametrize(("old", "new"), [(OLD, "feeds: [1]"), ("feeds: [1]", NEW)])
def test_a_broken_configuration_on_either_side_is_refused(
    presswatch, archived, directories, old, new
):
    result = presswatch.call("plan", *directories(old, new), *archived)
    assert result.returncode == 2
    assert "config.yaml:1:9:" in result.stderr
    assert result.stdout == ""


def test_a_time_in_the_future_is_wrong_use(presswatch, archived, directories):
    result = presswatch.call("plan", *directories(OLD, NEW), *archived, "--since", "2999-01-01")
    assert result.returncode == 2
    assert "--since must be in the past" in result.stderr


def test_a_time_without_articles_is_an_error_rather_than_an_approval(
    presswatch, archived, directories
):
    result = presswatch.call("plan", *directories(OLD, NEW), *archived, "--since", "10s")
    assert result.returncode == 1
    assert "the archive has no articles found since" in result.stderr


def test_a_value_of_the_environment_in_a_query_is_not_shown(presswatch, archived, directories):
    old = f"{FEEDS}\n  - {{name: talks, query: council}}\n"
    new = f"{FEEDS}\n  - {{name: talks, query: 'council AND \"${{PLACE:-Ruritania}}\"'}}\n"
    asked = directories(old, new)
    for form in ((), ("--json",)):
        result = presswatch.call("plan", *asked, *archived, *form)
        assert result.returncode == 0, result.stderr
        assert "Ruritania" not in result.stdout
        assert "${PLACE}" in result.stdout
