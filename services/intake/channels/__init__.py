"""What intake asks of others while it takes something in: the virus scanner."""
