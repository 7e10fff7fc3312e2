"""The service that re-plans listeners after they have played."""
