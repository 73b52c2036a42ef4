"""Programs and teams as code: read a file with every fault named, then make the database say the same."""
