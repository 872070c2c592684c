"""Commands about this machine: doctor, cache."""

from __future__ import annotations

import click

from hotplate.cli.common import json_option


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Shows the compilers and caches that hotplate finds, and what is missing, with the fix."""
    from hotplate.cli.doctor import examine, render

    report = examine()
    if as_json:
        from hotplate.cli.reports import dumps

        print(dumps(report))
    else:
        print(render(report))
    return 0 if report["ok"] else 3


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def cache(context: click.Context, as_json: bool) -> None:
    """The build cache: where it is, how large, and how to empty it."""
    if context.invoked_subcommand is not None:
        return
    from hotplate.cli.doctor import cache_facts, cache_line

    facts = cache_facts()
    if as_json:
        from hotplate.cli.reports import dumps

        print(dumps(facts))
    else:
        print(cache_line(facts))


@cache.command("clear")
def cache_clear() -> None:
    """Removes everything from the build cache. Loaded cells of running sessions go on working."""
    from hotplate.toolchain.toolchain import Toolchain

    store = Toolchain().cache
    store.clear()
    print(f"emptied {store.root}")
