"""The API: JSON for programs that feed observations and read scorecards."""
