"""The command `segue`: the list of its subcommands, and how each is loaded when it is called."""
