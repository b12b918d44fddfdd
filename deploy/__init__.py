"""Running on many machines: what an operator needs, and the same shape on one machine."""
