"""What ships and what is documented: loads, says the truth, and leaves nothing out."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitor.config import File, Settings, json_schema, load
from monitor.config import _models as models_in
from monitor.config.schema import KINDS
from monitor.errors import ConfigError
from workers.deliveries.attempt import CHANNELS
from workers.deliveries.webhook import signature

PROJECT = Path(__file__).parents[2]
DOCUMENT = (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8")
SECRETS = {
    "SLACK_TOKEN": "xoxb",
    "APPRISE_URL": "json://localhost",
    "HOOK_SECRET": "hush",
    "SLACK_WEBHOOK_URL": "https://hooks.example/T/B/x",
    "SMTP_URL": "smtps://me:pw@mail.example",
}


def loaded(directory, text, environ=None):
    (directory / "a.yaml").write_text(text, encoding="utf-8")
    return load(directory, environ or {}, examples=True)


def test_the_bundled_configuration_is_valid_without_environment_variables():
    config = load(PROJECT / "config", {}, examples=True)
    assert len(config.feeds) >= 20
    assert "nato-russia" in {one.name for one in config.watchlists}


def test_subscribers_in_comments_of_the_bundled_configuration_are_valid(tmp_path):
    text = (PROJECT / "config" / "subscribers.yaml").read_text(encoding="utf-8")
    config = loaded(
        tmp_path, "subscribers:\n" + uncommented(text.partition("subscribers:\n")[2]), SECRETS
    )
    assert {one.kind for one in config.subscribers} == {"slack", "email", "webhook", "apprise"}


def uncommented(text):
    return re.sub(r"^# ", "", text, flags=re.MULTILINE)


def test_settings_in_comments_of_the_bundled_configuration_are_all_the_defaults(tmp_path):
    text = (PROJECT / "config" / "settings.yaml").read_text(encoding="utf-8")
    settings = loaded(
        tmp_path, re.sub(r"^  # ( *[a-z_]+:)", r"  \1", text, flags=re.MULTILINE)
    ).settings
    assert settings.model_copy(update={"user_agent": Settings().user_agent}) == Settings()
    unset = Settings.model_fields.keys() - settings.model_fields_set
    for part in (settings.poll, settings.articles, settings.archive, settings.web):
        unset |= type(part).model_fields.keys() - part.model_fields_set
    no_defaults = {"url", "public_url", "password", "tokens", "proxies", "user_header"}
    assert unset == no_defaults


def test_the_defaults_in_the_document_are_the_defaults(tmp_path):
    table = DOCUMENT.partition("## `settings`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)`(?:: `(\w+)`)? \| `([^`]*)` \|", table, re.MULTILINE)
    for key, inner, default in rows:
        value = default if default in ("[]", "false") or default.isdigit() else f'"{default}"'
        text = (
            f"settings: {{{key}: {{{inner}: {value}}}}}"
            if inner
            else f"settings: {{{key}: {value}}}"
        )
        assert loaded(tmp_path, text).settings == Settings(), text
    nested = len(Settings().poll.model_fields_set | type(Settings().poll).model_fields.keys())
    nested += len(type(Settings().articles).model_fields)
    nested += len(type(Settings().archive).model_fields.keys() - {"url"})
    without = {"public_url", "password", "user_header"}
    nested += len(type(Settings().web).model_fields.keys() - without)
    assert len(rows) == len(Settings.model_fields) - 4 + nested


def test_every_key_is_documented():
    seen: set[type[BaseModel]] = set()

    def walk(model):
        seen.add(model)
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}`" in DOCUMENT, f"{model.__name__}.{name}"
            for inner in models_in(field.annotation):
                if inner not in seen:
                    walk(inner)

    walk(File)
    assert json_schema()["title"] in DOCUMENT


def test_defaults_in_the_schema_can_be_written_into_a_file(tmp_path):
    parts = json_schema()["$defs"]
    written = {key: field["default"] for key, field in parts["Settings"]["properties"].items()}
    for key, part in (("poll", "PollSettings"), ("articles", "ArticleSettings")):
        fields = parts[part]["properties"]
        assert written[key] == {inner: field["default"] for inner, field in fields.items()}
    # JSON is YAML, too.
    assert loaded(tmp_path, json.dumps({"settings": written})).settings == Settings()


def test_examples_in_the_document_are_valid_and_the_broken_one_gives_the_faults_shown(tmp_path):
    broken, *examples = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    for example in examples:
        loaded(tmp_path, example, SECRETS)
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, broken)
    shown = re.findall(r"^config/watchlists\.yaml:(.*)$", DOCUMENT, re.MULTILINE)
    assert [
        f"{fault.line}:{fault.column}: {fault.message}" for fault in raised.value.faults
    ] == shown


SUBSCRIBERS = (PROJECT / "docs" / "subscribers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(subscribers:.*?)```", SUBSCRIBERS, re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS)
def test_every_documented_subscriber_is_valid(tmp_path, text):
    assert loaded(tmp_path, text, SECRETS | {"SLACK_BOT_TOKEN": "xoxb"}).subscribers


def test_each_kind_of_subscriber_is_documented():
    assert {kind for kind in KINDS if f"    {kind}:" in "".join(BLOCKS)} == set(KINDS)


def test_the_documented_receiver_verifies_our_signatures():
    (program,) = re.findall(r"```python\n(.*?)```", SUBSCRIBERS, re.DOTALL)
    shown = {}
    exec(program, shown)
    headers = signature("secret", "id", 1, b"{}")
    assert shown["is_ours"](headers, b"{}", b"secret")
    assert not shown["is_ours"](headers, b"{ }", b"secret")


def test_each_kind_of_subscriber_in_the_schema_has_a_channel():
    assert set(KINDS) == set(CHANNELS)
