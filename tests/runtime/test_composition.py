"""Where a process finds what it starts from."""

import pytest

from monitor.errors import ConfigError
from monitor.runtime import composition


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The usual configuration directories, by name, none of which exists."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(composition, "SYSTEM_CONFIG", tmp_path / "etc" / "presswatch")
    return {
        "system": tmp_path / "etc" / "presswatch",
        "home": tmp_path / "home" / ".config" / "presswatch",
        "here": tmp_path / "here" / "config",
    }


def test_the_nearest_configuration_is_used(places):
    assert composition.users_config() is None
    assert composition.default_config() == composition.bundled("config")
    for place in places.values():
        place.mkdir(parents=True)
        assert composition.default_config().resolve() == place


@pytest.mark.parametrize("ignored", ["", "relative"])
def test_xdg_config_home_replaces_the_users_directory_unless_relative(
    ignored, places, tmp_path, monkeypatch
):
    for place in (places["home"], tmp_path / "xdg" / "presswatch", tmp_path / "here" / "relative"):
        place.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert composition.default_config() == tmp_path / "xdg" / "presswatch"
    monkeypatch.setenv("XDG_CONFIG_HOME", ignored)
    assert composition.default_config() == places["home"]


FEEDS = "feeds: [{url: 'https://a.example/rss'}]\n"
WATCHLISTS = "watchlists: [{name: talks, query: Council}]\n"


def test_a_change_that_takes_away_all_feeds_or_watchlists_is_refused_once(tmp_path):
    for name, content in (("feeds", FEEDS), ("watchlists", WATCHLISTS)):
        (tmp_path / f"{name}.yaml").write_text(content)
    config = composition.read(tmp_path)
    watch = composition.ConfigWatch(composition.Runtime(tmp_path, config, None))
    for name, content in (("feeds", FEEDS), ("watchlists", WATCHLISTS)):
        (tmp_path / f"{name}.yaml").unlink()
        with pytest.raises(ConfigError, match=f"no {name} are left.*restart Presswatch if that"):
            watch.changed()
        assert watch.changed() is None
        (tmp_path / f"{name}.yaml").write_text(content)
        assert watch.changed() == config


def test_feeds_that_were_added_later_are_not_lost_either(tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text("")
    watch = composition.ConfigWatch(composition.Runtime(tmp_path, composition.read(tmp_path), None))
    file.write_text(FEEDS + WATCHLISTS)
    assert watch.changed()
    file.unlink()
    with pytest.raises(ConfigError) as raised:
        watch.changed()
    assert len(raised.value.faults) == 2
    assert composition.read(tmp_path).feeds == ()
