"""Selections of alerts as files."""

import csv
import io
import json
import threading
import zlib
from datetime import timedelta

import pytest
import requests
from openpyxl import load_workbook

from monitor.archive import alert_rows
from monitor.web.app import GZIP_ASIDE_FROM_BYTES

FORMULA = '=HYPERLINK("https://evil.example","cod")'


@pytest.fixture
def export(served):
    def export(form, **parameters):
        url = f"{served.url}/api/v1/alerts/export.{form}"
        return requests.get(url, params=parameters, timeout=30)

    return export


def cells(answer):
    workbook = load_workbook(io.BytesIO(answer.content))
    assert workbook.sheetnames == ["Matches"]
    header, *rows = workbook["Matches"].iter_rows()
    names = [cell.value for cell in header]
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_all_alerts_of_a_selection_are_in_each_file(newsroom, export, monkeypatch):
    monkeypatch.setattr(alert_rows, "PAGE", 2)
    for number in range(5):
        newsroom.publish(f"Cod {number}", "Cod.", age=timedelta(minutes=number), authors=("Ada",))
    newsroom.publish("Herring", "Herring.", source="Gazette")
    newsroom.publish("Old cod", "Cod.", age=timedelta(days=3))
    asked = {"source": "Herald", "period": "2d", "q": "cod"}
    titles = [f"Cod {number}" for number in range(5)]
    answer = export("csv", **asked)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="alerts.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in rows] == titles
    assert rows[0]["watchlist"] == "fisheries"
    assert rows[0]["authors"] == "Ada"
    assert rows[0]["site"] == "herald.example"
    lines = [json.loads(line) for line in export("jsonl", **asked).text.splitlines()]
    assert [line["title"] for line in lines] == titles
    assert [line["alert"] for line in lines] == [row["alert"] for row in rows]
    assert [row["title"].value for row in cells(export("xlsx", **asked))] == titles


def test_no_cell_is_a_formula(newsroom, export):
    newsroom.publish(f"{FORMULA}", "Cod.", source="+cod", authors=("@cod", "-1"))
    (row,) = csv.DictReader(io.StringIO(export("csv").text))
    assert row["title"] == f"'{FORMULA}"
    assert row["source"] == "'+cod"
    assert row["authors"].startswith("'@")
    (row,) = cells(export("xlsx"))
    assert row["title"].value == FORMULA
    assert {cell.data_type for cell in row.values()} <= {"s", "d", "n"}


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
def test_an_export_of_nothing_is_a_file_and_a_broken_one_is_an_error(newsroom, export, form):
    assert export(form).status_code == 200
    broken = export(form, q="(cod")
    assert broken.status_code == 422
    assert "column 1" in broken.json()["detail"]


def test_there_are_no_other_forms(served, export):
    assert export("pdf").status_code == 422


@pytest.fixture
def compressed(monkeypatch):
    """The sizes of the pieces that are compressed, each with the name of the thread that does it."""
    pieces = []
    real = zlib.compressobj

    class Watched:
        def __init__(self, *parameters):
            self._compressor = real(*parameters)

        def compress(self, data):
            pieces.append((threading.current_thread(), len(data)))
            return self._compressor.compress(data)

        def flush(self, *mode):
            return self._compressor.flush(*mode)

    monkeypatch.setattr(zlib, "compressobj", Watched)
    return pieces


def test_a_large_export_is_compressed_beside_the_event_loop(served, newsroom, export, compressed):
    text = " ".join(f"Cod {number}." for number in range(40))
    for number in range(900):
        newsroom.publish(f"Cod {number} {text}", "Cod.", age=timedelta(seconds=number))
    answer = export("csv")
    assert answer.headers["Content-Encoding"] == "gzip"
    sizes = [size for _, size in compressed]
    assert sum(sizes) == len(answer.content) > 4 * GZIP_ASIDE_FROM_BYTES
    in_loop = [size for thread, size in compressed if thread is served.thread]
    # The last piece of a file may be small.
    assert len(in_loop) <= 1
    assert sum(in_loop) < GZIP_ASIDE_FROM_BYTES


def test_a_workbook_is_not_compressed_again(newsroom, export):
    newsroom.publish("Cod", "Cod.")
    assert "Content-Encoding" not in export("xlsx").headers
