"""The packages and jars that Segue is made of, and known vulnerabilities in them."""
