"""The doors of intake to HTTP: complaints, their evidence, the ledger, and the data of people."""
