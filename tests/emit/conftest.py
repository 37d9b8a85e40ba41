"""The golden files are read by tests, not collected: some need libraries that may not be there."""

collect_ignore_glob = ["golden/*"]
