"""What notify does when time passes: each file is one kind of thing that falls due."""
