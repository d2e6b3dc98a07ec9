"""Who is served next, by whom, and why: pure decisions."""
