"""Work after the commit: jobs by hint, and a sweep for those whose hint was lost."""
