"""What things look like: as HTML and SVG in Jupyter, VS Code and marimo, as text everywhere else.

Here are pure functions from values to text, and what terminals and notebooks share of them: marks of states, previews
of values, tables, small plots, the layout of graphs. Which objects have such a picture, and what is in it, they say
themselves, by `Shown`; nothing here imports a front end, and no object imports what it takes before it is shown.
"""

from hotplate.show.shown import Picture, Shown

__all__ = ["Picture", "Shown"]
