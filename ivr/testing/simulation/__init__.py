"""A simulated day: seeded callers and faults on a whole line in virtual time, every law checked at every event."""
