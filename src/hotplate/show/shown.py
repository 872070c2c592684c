"""Shown: what makes an object visible in a notebook."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """What an object looks like, in two forms that say the same."""

    html: str
    """For a front end that renders HTML. Self-contained; everything that a user wrote is escaped."""
    text: str
    """For all others, and for whoever searches a saved notebook."""


class Shown:
    """A class whose objects are pictures in Jupyter, VS Code, marimo and wherever else these two methods are asked.

    Nothing has to be loaded for it. `picture` is made when it is asked for, of the object as it is then.
    """

    __slots__ = ()

    def _picture(self) -> Picture:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self._picture().html

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002  # IPython's signature; it leaves out what it does not want
        picture = self._picture()
        return {"text/html": picture.html, "text/plain": picture.text}
