"""What listeners do: counting rules, facts, sessions, statistics, and outcomes of experiments."""
