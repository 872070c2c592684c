"""Workflows of the shapes and sizes that scientists run, as notebooks."""
