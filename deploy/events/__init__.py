"""`redress events`: what has happened, read again from the history, for a file or for a team's queue."""
