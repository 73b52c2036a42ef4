"""The domain's law, in one place: plain values in, plain values out; no Django and no clock."""
