"""Crash points: the five services in one process, over a database and a broker that fail on purpose."""
