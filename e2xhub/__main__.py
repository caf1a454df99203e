"""`python -m e2xhub` is the program `e2xhub`."""

from e2xhub.cli import main

main()
