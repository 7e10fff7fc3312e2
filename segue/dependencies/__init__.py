"""The packages and jars that Segue depends on, and known vulnerabilities in them."""
