"""What would be wrong if only one service changed its copy."""

VERSION = "0.1.0"
