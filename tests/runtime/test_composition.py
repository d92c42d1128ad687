"""Where a process finds what it starts from."""

import pytest

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
