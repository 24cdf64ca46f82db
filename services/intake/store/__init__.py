"""The back room of intake: one collection for complaints, people, delegations and the log of reads."""
