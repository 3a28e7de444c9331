"""How fast and how small, measured: figures are ratios of two things in the same run, in alternation."""
