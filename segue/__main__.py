"""`python -m segue`: as the command `segue`."""

from segue.cli.main import main

main()
