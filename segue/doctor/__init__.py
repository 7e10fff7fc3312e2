"""`./run.sh doctor`: checks of the machine, the installation and the servers. They change nothing."""
