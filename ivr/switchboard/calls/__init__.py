"""A call and its turns: it rings, goes through the flow, and ends."""
