"""The command `report`, as people and scripts call it."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook

from monitor.archive.database import open_archive
from monitor.archive.writer import Writer
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article

CONFIG = """
watchlists:
  - {name: talks, query: nato}
  - {name: quiet, query: nothing}
"""
NOW = datetime.now(UTC)


@pytest.fixture
def report(presswatch, configure, tmp_path):
    """Calls the command on an archive with three articles of two watchlists."""
    engine = open_archive(None, tmp_path)
    for number, (days, watchlist) in enumerate(
        ((1, "talks"), (2, "talks"), (3, "removed"), (20, "talks"))
    ):
        article = Article(
            f"{number}", f"https://a.example/{number}", f"=Envoys \x1b[31m {number}", "They met.",
            "Herald", "", story=f"{number}", language="en",
        )  # fmt: skip
        at = NOW - timedelta(days=days)
        record = Record(Publication(at, article, (MatchRecord(watchlist),)))
        assert Writer(engine).write([record]) == []
    engine.dispose()
    directory = configure(CONFIG)

    def call(*arguments):
        return presswatch.call(
            "report", *arguments, "--config", str(directory), "--data", str(tmp_path)
        )

    call.options = ("--config", str(directory), "--data", str(tmp_path))
    return call


def test_a_summary_is_printed_while_no_daemon_runs(report):
    shown = report()
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("3 articles, 3 more than in the 7 days before\n")
    assert "talks" in shown.stdout
    assert shown.stdout.count(" before\n") == 7 + 1
    # What a watchlist that is gone has matched is still coverage.
    assert "removed" in shown.stdout
    assert "quiet" in shown.stdout
    assert "Herald" in shown.stdout
    assert "\x1b" not in shown.stdout
    # The archive begins twenty days ago.
    assert report("--since", "15d").stdout.startswith("3 articles; no comparison")


def test_a_period_and_watchlists_are_chosen(report):
    since = (NOW - timedelta(days=2, hours=1)).isoformat()
    shown = report("--since", since, "--until", "1h", "--watchlist", "talks").stdout
    assert shown.startswith("2 articles")
    assert "removed" not in shown


def test_files_are_written_whole(report, tmp_path):
    files = {kind: str(tmp_path / f"out.{kind}") for kind in ("html", "csv", "jsonl", "xlsx")}
    shown = report(*(word for kind, name in files.items() for word in (f"--{kind}", name)))
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
    assert "3 articles" in (tmp_path / "out.html").read_text()
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [row["watchlist"] for row in rows] == ["removed", "talks", "talks"]
    assert rows[0]["title"] == "'=Envoys [31m 2"
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["article"] for line in lines] == ["2", "1", "0"]
    assert load_workbook(tmp_path / "out.xlsx")["Matches"].max_row == 4
    assert not list(tmp_path.glob("*.part"))


def test_rows_can_be_piped(report, presswatch):
    process = presswatch.start("report", "--jsonl", "-", *report.options)
    assert process.wait(30) == 0
    assert len(list(map(json.loads, process.log.read_text().splitlines()))) == 3


def test_wrong_use_is_explained(report):
    for arguments, reason in (
        (("--watchlist", "talk"), "no watchlist is called talk; there are: quiet, removed, talks"),
        (("--since", "1d", "--until", "2d"), "--since must be before --until"),
        (("--since", "1000-01-01"), "too long ago"),
        (("--since", "yesterday"), "is not a moment"),
    ):
        shown = report(*arguments)
        assert shown.returncode == 2
        assert reason in shown.stderr


def test_what_cannot_be_read_or_written_fails(report, presswatch, tmp_path):
    shown = report("--html", str(tmp_path / "absent" / "out.html"))
    assert shown.returncode == 1
    assert "cannot write" in shown.stderr
    nothing = presswatch.call("report", *report.options[:2], "--data", str(tmp_path / "none"))
    assert nothing.returncode == 1
    assert "there is no archive" in nothing.stderr


def test_a_failure_leaves_the_old_file(report, tmp_path, monkeypatch):
    (tmp_path / "out.csv").write_text("old")

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("monitor.reports.tables.write_csv", broken)
    shown = report("--csv", str(tmp_path / "out.csv"))
    assert shown.returncode == 1
    assert "No space left on device" in shown.stderr
    assert (tmp_path / "out.csv").read_text() == "old"
    assert not list(tmp_path.glob("*.part"))
