"""A question goes in, an exact answer from the cheapest source comes out."""
