"""The documents of notify, all in one collection."""
