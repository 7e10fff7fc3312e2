"""A listener's own data: export and removal; backup and restore."""
