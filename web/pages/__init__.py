"""Pages: each module is a door to one page."""
