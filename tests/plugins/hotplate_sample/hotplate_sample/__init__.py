"""Plugins for hotplate, as another distribution has them."""
