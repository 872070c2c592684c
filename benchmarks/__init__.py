"""Benchmarks of hotplate beside its peers; `python3 build.py bench` runs them, docs/benchmarks.md explains them."""
