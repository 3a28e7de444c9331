"""The faces of the program: HTTP API, pages and the command line; what they show comes from engine."""
