"""Parked events: what a service could not take."""
