"""The doors of notify: each file is one resource of its API."""
