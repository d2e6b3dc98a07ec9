"""What is so this second: Redis, and nothing that could not be lost."""
