"""`redress calendar`: which days are worked, when something is due and why, and next year's days."""
