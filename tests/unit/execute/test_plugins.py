"""What other distributions offer: found by name, checked, and imported only when it is chosen."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import TYPE_CHECKING, TypeGuard

import pytest

from hotplate.errors import SettingError
from hotplate.execute.plugins import PluginKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Kettle:
    """What the plugins of these tests are."""


def is_kettle(thing: object) -> TypeGuard[Kettle]:
    return hasattr(thing, "boil")


KETTLES: PluginKind[Kettle] = PluginKind("kettle", "hotplate.test_kettles", 3, is_kettle, ("boil",))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a distribution whose module `NAME_kettles` has this code; `kettles` is by name what its module has."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(distribution: str, code: str, **kettles: str) -> None:
        module = f"{distribution}_kettles"
        info = tmp_path / f"{distribution}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        points = "".join(f"{name} = {module}:{attribute}\n" for name, attribute in kettles.items())
        (info / "entry_points.txt").write_text(f"[hotplate.test_kettles]\n{points}")
        (tmp_path / f"{module}.py").write_text(dedent(code))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


def message_of(name: str) -> str:
    with pytest.raises(SettingError) as caught:
        KETTLES.make(name)
    return str(caught.value)


WHISTLING = """
    class Whistling:
        api_version = 3
        def boil(self): ...
"""


def test_the_chosen_one_is_made(install: Callable[..., None]) -> None:
    install("acme", WHISTLING, whistling="Whistling")
    assert type(KETTLES.make("whistling")).__name__ == "Whistling"


def test_one_that_is_not_chosen_is_not_imported(install: Callable[..., None]) -> None:
    install("acme", WHISTLING, whistling="Whistling")
    install("broken", "import a_module_that_is_nowhere", useless="Useless")
    KETTLES.make("whistling")
    assert "broken_kettles" not in sys.modules


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import a_module_that_is_nowhere", "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'"),
        ("Useful = 1", "AttributeError: module 'acme_kettles' has no attribute 'Useless'"),
        ("def Useless(:", "SyntaxError: invalid syntax (acme_kettles.py, line 1)"),
        ("raise SystemExit('not today')", "SystemExit: not today"),
        ("def Useless(): raise OSError('no licence')", "OSError: no licence"),
        ("def Useless(): raise SystemExit('not today')", "SystemExit: not today"),
        ("Useless = 'a string'", "TypeError: 'str' object is not callable"),
        ("def Useless(): return 'a string'", "str has no `boil`"),
        ("def Useless(): return Other\nclass Other:\n  api_version = 3\n  def boil(self): ...", "type has no `boil`"),
    ],
)
def test_one_that_is_broken_is_an_error_that_names_it_and_says_why(
    install: Callable[..., None], code: str, why: str
) -> None:
    install("acme", code, useless="Useless")
    assert message_of("useless") == f"the kettle useless of acme 1.5 (acme_kettles:Useless) can't be used: {why}"


@pytest.mark.parametrize(
    ("version", "offered", "remedy"),
    [
        ("2", "2", "update acme"),
        ("4", "4", "update hotplate, or install an older acme"),
        ("'3'", "'3'", "its class needs the attribute api_version, which is 3 for this hotplate"),
        ("True", "True", "its class needs the attribute api_version, which is 3 for this hotplate"),
        ("None", "none", "its class needs the attribute api_version, which is 3 for this hotplate"),
    ],
)
def test_one_for_another_version_is_refused_before_it_is_made(
    install: Callable[..., None], version: str, offered: str, remedy: str
) -> None:
    install("acme", f"class Other:\n  api_version = {version}\n  def __init__(self): raise OSError", other="Other")
    assert message_of("other") == (
        "the kettle other of acme 1.5 (acme_kettles:Other) can't be used: "
        f"wanted API version 3, offered {offered}; {remedy}"
    )


def test_one_that_does_not_say_its_version_is_refused(install: Callable[..., None]) -> None:
    install("acme", "class Old:\n  def boil(self): ...", old="Old")
    assert message_of("old").endswith(
        "wanted API version 3, offered none; its class needs the attribute api_version, which is 3 for this hotplate"
    )


def test_a_function_may_make_it_and_the_class_says_the_version(install: Callable[..., None]) -> None:
    install("acme", dedent(WHISTLING) + "def made(): return Whistling()", whistling="made")
    assert type(KETTLES.make("whistling")).__name__ == "Whistling"


def test_two_of_one_name_are_an_error_that_names_both(install: Callable[..., None]) -> None:
    install("acme", WHISTLING, whistling="Whistling")
    install("other", WHISTLING, whistling="Whistling")
    assert message_of("whistling") == (
        "there are several kettles whistling, of acme 1.5 (acme_kettles:Whistling) and other 1.5 "
        "(other_kettles:Whistling); uninstall all but one"
    )


def test_an_unknown_one_is_an_error_that_lists_what_there_is(install: Callable[..., None]) -> None:
    assert message_of("green") == "there is no kettle green; none is installed"
    install("acme", WHISTLING, whistling="Whistling", loud="Whistling")
    assert message_of("green") == "there is no kettle green; there are loud, whistling"


# ---- objects ----


class Pot(Kettle):
    def boil(self) -> None: ...


def test_an_object_needs_no_version() -> None:
    pot = Pot()
    assert KETTLES.checked(pot) is pot


def test_an_object_of_another_version_is_refused() -> None:
    pot = Pot()
    pot.api_version = 2  # type: ignore[attr-defined]
    with pytest.raises(SettingError, match="the kettle Pot can't be used: wanted API version 3, offered 2; update its"):
        KETTLES.checked(pot)


def test_a_class_is_no_object() -> None:
    with pytest.raises(SettingError, match=r"Pot is a class; give an object of it: Pot\(\)"):
        KETTLES.checked(Pot)


def test_an_object_of_another_kind_is_refused() -> None:
    with pytest.raises(SettingError, match="'tea' is no kettle: str has no `boil`"):
        KETTLES.checked("tea")
