"""The API keeps to its own description, whatever it is sent."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

PASSWORD = "correct horse"
TOKEN = "a-token-that-reads"
# For a longer look by hand.
EXAMPLES = os.environ.get("PRESSWATCH_API_EXAMPLES", "5")


@pytest.fixture
def served(serve):
    return serve(f'password: "{PASSWORD}", tokens: [{TOKEN}]')


@pytest.fixture
def visitor(served):
    """What the browser of somebody who has logged in sends."""
    token = lambda answer: re.search(r'name="csrf" content="(.*?)"', answer.text)[1]  # noqa: E731
    with requests.Session() as session:
        form = {"csrf": token(session.get(f"{served.url}/login")), "password": PASSWORD}
        csrf = token(session.post(f"{served.url}/login", data=form))
        return {"Cookie": f"presswatch={session.cookies['presswatch']}", "X-CSRF-Token": csrf}


@pytest.mark.timeout(300 if EXAMPLES == "5" else 0)
def test_schemathesis_finds_nothing(served, visitor, newsroom, tmp_path):
    pytest.importorskip("schemathesis")
    for title in ("Cod quotas", "Herring return", "Cod again"):
        (alert,) = newsroom.publish(title, "Cod and herring.")
    # Nothing lists stories, so that none would be found.
    (tmp_path / "schemathesis.toml").write_text(
        '[[operations]]\ninclude-path = "/api/v1/stories/{story_id}"\n'
        f'parameters = {{ story_id = "{alert["story"]["id"]}" }}\n'
    )
    headers = visitor | {"Authorization": f"Bearer {TOKEN}"}
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/api/v1/openapi.json",
        *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
        "--checks", "all", "--max-examples", EXAMPLES, "--no-color",
        # It never ends.
        "--exclude-path", "/api/v1/alerts/live",
        # Those above are sent with each request.
        "--generation-with-security-parameters", "false",
        *(["--generation-deterministic"] if EXAMPLES == "5" else []),
    ]  # fmt: skip
    hooks = {"SCHEMATHESIS_HOOKS": "queries_for_schemathesis"}
    found = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | hooks | {"PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]
    assert "WARNINGS" not in found.stdout
