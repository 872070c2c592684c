"""`python -m hotplate` is the command `hotplate`."""

from hotplate.cli import main

main()
