"""A session with a notebook: where parsing, building, loading and running are put together."""

from hotplate.session.notebook import Notebook
from hotplate.session.opening import inline, open

__all__ = ["Notebook", "inline", "open"]
