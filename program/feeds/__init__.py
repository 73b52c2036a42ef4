"""Kinds of reports and how each is read: bytes in, observations or faults out; no Django and no clock."""
