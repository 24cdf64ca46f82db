"""Faults: the whole system under random kills, and an audit that counts what was lost or done twice."""
