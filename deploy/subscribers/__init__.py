"""`redress subscribers`: other teams, each let in to a queue of its own and to nothing else."""
