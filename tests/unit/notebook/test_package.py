from __future__ import annotations

from hotplate import notebook


def test_the_public_names_are_sorted_and_exist() -> None:
    assert notebook.__all__ == sorted(notebook.__all__)
    assert all(hasattr(notebook, name) for name in notebook.__all__)
