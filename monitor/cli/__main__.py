"""`python -m monitor.cli` is `presswatch`."""

from monitor.cli import main

main()
