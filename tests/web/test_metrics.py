"""Metrics, and whether this process serves and Presswatch works."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from monitor.model import Alert
from monitor.store.counters import Lags

DOCS = Path(__file__).parents[2] / "docs"
REQUIRED = "PRESSWATCH_REQUIRE_PROMTOOL"


@pytest.fixture
def samples(served):
    """What `/metrics` says: values by name and labels."""

    def read():
        answer = requests.get(f"{served.url}/metrics", timeout=10)
        assert answer.status_code == 200
        return {
            (sample.name.removeprefix("presswatch_"), *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return read


@pytest.fixture
def promtool():
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, but no promtool was found")
        pytest.skip("no promtool: install Debian's package prometheus")

    def run(*arguments, stdin=""):
        return subprocess.run(
            [program, *map(str, arguments)],
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_metrics_say_what_all_processes_did(samples, redis, store, led):
    with redis.pipeline() as pipe:
        store.counters.changed_poll(3, 1, pipe)
        store.counters.failed_poll("http_403", pipe)
        store.counters.article("page", None, pipe)
        lags = Lags(timedelta(minutes=4), timedelta(seconds=3))
        store.counters.article("page", lags, pipe)
        store.counters.article("feed", Lags(None, timedelta(hours=3)), pipe)
        store.counters.delivery("slack", "given up", pipe)
        store.alerts.publish(Alert("a", "fisheries", (), {}), pipe)
        pipe.execute()
    found = samples()
    expected = {
        ("polls_total", "changed"): 1, ("polls_total", "failed"): 1, ("entries_total", "new"): 3,
        ("articles_total", "page"): 2, ("articles_total", "feed"): 1,
        ("alerts_total", "fisheries"): 1, ("deliveries_total", "given_up", "slack"): 1,
        ("errors_total", "http_403", "poll"): 1,
        ("publication_to_alert_seconds_bucket", "120"): 0,
        ("publication_to_alert_seconds_bucket", "300"): 1,
        ("publication_to_alert_seconds_bucket", "+Inf"): 1,
        ("poll_to_alert_seconds_bucket", "5"): 1, ("poll_to_alert_seconds_bucket", "1800"): 1,
        ("poll_to_alert_seconds_bucket", "+Inf"): 2,
        ("leader",): 1, ("workers",): 1, ("feeds", "new"): 2, ("feeds", "ok"): 0,
        ("subscriber_paused", "desk"): 0, ("held_alerts", "desk"): 0,
        ("jobs", "articles", "queued"): 0, ("archive_records",): 0,
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected


def test_metrics_need_a_token_where_others_need_a_password(serve):
    served = serve('password: "correct horse", tokens: ["a-token-that-reads"]')
    url = f"{served.url}/metrics"
    assert requests.get(url, allow_redirects=False).status_code == 401
    bearer = {"Authorization": "Bearer a-token-that-reads"}
    assert requests.get(url, headers=bearer).status_code == 200
    # Supervisors have no token.
    assert requests.get(f"{served.url}/healthz").status_code == 200
    assert requests.get(f"{served.url}/readyz").status_code == 503


def test_promtool_finds_nothing_wrong_with_the_metrics(served, promtool):
    text = requests.get(f"{served.url}/metrics", timeout=10).text
    checked = promtool("check", "metrics", stdin=text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_promtool_accepts_the_rules(promtool):
    checked = promtool("check", "rules", DOCS / "alerts.rules.yml")
    assert checked.returncode == 0, checked.stderr


def test_promtool_accepts_the_queries_of_the_dashboard(promtool, tmp_path):
    dashboard = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    queries = [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_rules_fire_when_they_should(promtool, tmp_path):
    tests = tmp_path / "tests.yml"
    tests.write_text(RULE_TESTS.replace("RULES", str(DOCS / "alerts.rules.yml")))
    checked = promtool("test", "rules", tests)
    assert checked.returncode == 0, checked.stdout + checked.stderr


RULE_TESTS = """
rule_files: [RULES]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'presswatch_leader{job="presswatch"}', values: '0x60'}
      - {series: 'presswatch_workers{job="presswatch"}', values: '3x60'}
      - {series: 'presswatch_feeds{job="presswatch", health="failing"}', values: '30x60'}
      - {series: 'presswatch_feeds{job="presswatch", health="ok"}', values: '70x60'}
      - {series: 'presswatch_archive_age_seconds{job="presswatch"}', values: '4000x60'}
    promql_expr_test:
      - expr: ALERTS{alertstate="firing"}
        eval_time: 40m
        exp_samples:
          - {labels: 'ALERTS{alertname="PresswatchWithoutScheduler", alertstate="firing",
              job="presswatch", severity="critical"}', value: 1}
          - {labels: 'ALERTS{alertname="PresswatchArchiveBehind", alertstate="firing",
              job="presswatch", severity="warning"}', value: 1}
          - {labels: 'ALERTS{alertname="PresswatchFeedsFail", alertstate="firing",
              job="presswatch", severity="warning"}', value: 1}
"""


def test_a_process_that_serves_says_so_whatever_else_is_down(serve, unreachable):
    served = serve()
    served.backend.runtime = replace(served.backend.runtime, redis=unreachable)
    assert requests.get(f"{served.url}/healthz", timeout=10).json() == {"serves": True}


def test_readiness_tells_the_truth_with_reasons(served, redis, led):
    def ready():
        answer = requests.get(f"{served.url}/readyz", timeout=10)
        return answer.status_code, answer.json()["reasons"]

    assert ready() == (200, [])
    redis.xadd("presswatch:unarchived", {"record": "{}"}, id="1000-0")
    status, (reason,) = ready()
    assert status == 503
    assert "the archive is behind since 1970-01-01T00:00:01+00:00, with 1 record to write" in reason
    redis.delete("presswatch:unarchived", "presswatch:leader", "rq:workers")
    status, reasons = ready()
    assert status == 503
    assert [reason.partition(",")[0] for reason in reasons] == [
        "no scheduler leads", "no worker lives",
    ]  # fmt: skip


def test_without_redis_nothing_is_ready(serve, unreachable):
    served = serve()
    served.backend.runtime = replace(served.backend.runtime, redis=unreachable)
    answer = requests.get(f"{served.url}/readyz", timeout=10)
    assert answer.status_code == 503
    assert answer.json()["reasons"] == [
        "Redis does not answer: see whether it runs, and what it logs"
    ]
