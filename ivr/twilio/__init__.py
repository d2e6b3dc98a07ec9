"""Twilio's words and ours: the only room, with the exchange, that knows what a Gather is."""
