"""`python -m monitor.cli` is the command `presswatch`."""

from monitor.cli import main

main()
