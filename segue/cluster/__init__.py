"""What a Spark cluster needs from this machine: the code, the workers' Python packages, the jars."""
