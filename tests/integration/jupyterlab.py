"""A JupyterLab of its own in headless Chromium, and what a person does there with one notebook."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests import optional
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

playwright: Any = optional.module("playwright.sync_api")
optional.module("jupyterlab")
CHROMIUM = optional.program("chromium", "chromium-browser", "google-chrome")

PATIENCE = 60_000  # milliseconds: a browser, a server, a kernel and a compiler share the processors
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight are in the page, too
    # What is typed is what is there.
    "codemirror-extension/plugin": {"defaultConfig": {"autoClosingBrackets": False}},
}


@dataclass(frozen=True, slots=True)
class Lab:
    """A running server: where it is, and the folder whose notebooks it shows."""

    url: str
    token: str
    folder: Path


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Lab]:
    """A JupyterLab on the loopback that knows no settings but its own, and ends with the block."""
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    lab = {"root_dir": folder / "notebooks", "ip": "127.0.0.1", "port": 0, "open_browser": False}
    lab |= {"allow_root": True, "shutdown_no_activity_timeout": 300}  # should nobody be left to end it
    lab["root_dir"].mkdir()
    token = secrets.token_hex()
    options = [f"--ServerApp.{name}={value}" for name, value in lab.items()]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--IdentityProvider.token={token}"]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, env=environment(folder), stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Lab(address(process, folder), token, lab["root_dir"])
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


def environment(folder: Path) -> dict[str, str]:
    """This process's, with the hotplate that is tested, and folders of its own for what Jupyter reads and writes."""
    own = {
        "HOME": folder,
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return {**os.environ, **{name: str(value) for name, value in own.items()}, "JUPYTER_NO_CONFIG": "1"}


def address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Where the server says that it listens."""
    path = folder / "runtime" / f"jpserver-{process.pid}.json"

    def listening() -> str | None:
        assert process.poll() is None, (folder / "log.txt").read_text()
        with contextlib.suppress(OSError, ValueError):  # not there yet, or half of it
            return str(json.loads(path.read_text())["url"])
        return None

    url = eventually(listening)
    assert url is not None, (folder / "log.txt").read_text()
    return url


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    arguments = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's sandbox refuses to work for root
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield chromium
        finally:
            chromium.close()


@contextlib.contextmanager
def opened(chromium: Any, lab: Lab, name: str) -> Iterator[Page]:
    """A notebook in JupyterLab, with its kernel ready."""
    page = chromium.new_page(viewport={"width": 1200, "height": 1100})
    page.set_default_timeout(PATIENCE)
    try:
        page.goto(f"{lab.url}lab/tree/{name}?token={lab.token}&reset")
        notebook = Page(page)
        notebook.wait_until("Idle")
        yield notebook
    finally:
        page.close()


class Page:
    """What a person does with one notebook in JupyterLab."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def wait_until(self, state: str) -> None:
        """Waits until the status line says of the kernel that it is `Idle` or `Busy`."""
        self._page.get_by_text(re.compile(rf"Python 3.* \| {state}")).wait_for()

    def menu(self, *names: str) -> None:
        """Chooses an entry of a menu."""
        for name in names:
            self._page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel").get_by_text(name, exact=True).click()

    def accept(self) -> None:
        """Says yes to what a dialog asks."""
        self._page.locator(".jp-Dialog .jp-mod-accept").click()

    def write(self, number: int, text: str) -> None:
        """Replaces what is in a cell, as with the keyboard."""
        self._editor(number).click()
        self._page.keyboard.press("ControlOrMeta+a")
        self._page.keyboard.insert_text(text)

    def run(self, number: int) -> None:
        """Runs one cell and stays there."""
        self._editor(number).click()
        self._page.keyboard.press("ControlOrMeta+Enter")

    def expect(self, number: int, text: str) -> None:
        """Waits until a cell's outputs contain a text."""
        outputs = self._cell(number).locator(".jp-Cell-outputArea")
        playwright.expect(outputs).to_contain_text(text, timeout=PATIENCE)

    def number_of(self, number: int) -> str:
        """Waits until a cell is done, and returns the number in the brackets beside it."""
        prompt = self._cell(number).locator(".jp-InputPrompt")
        playwright.expect(prompt).to_have_text(re.compile(r"\d"), timeout=PATIENCE)
        return str(prompt.inner_text()).strip("[]:")

    def picture(self, path: Path) -> None:
        """Takes a screenshot."""
        self._page.screenshot(path=path)

    def _cell(self, number: int) -> Any:
        return self._page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def _editor(self, number: int) -> Any:
        return self._cell(number).locator(".cm-content")
