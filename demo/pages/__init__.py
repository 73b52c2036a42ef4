"""Pages that only the demo has: where to look, and its mailbox."""
