"""Copies of everything the house knows, at one point in time, and back from them."""
