"""Who is served next, and by whom: the floor, matches, and whatever is moved or told meanwhile."""
