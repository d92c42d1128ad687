"""`python -m monitor` is the command `presswatch`."""

from monitor.cli import main

main()
