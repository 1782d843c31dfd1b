"""`python -m agent` is `fengsui`."""

from agent.cli.main import main

main()
