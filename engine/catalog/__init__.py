"""Declarations under schemas/ go in, typed dimensions, measures, rollups and reports come out."""
