"""Drills: what the service must survive, done to it for real, with figures."""
