"""The command line: one `ivr`, one file a subject."""
