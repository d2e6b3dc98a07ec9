"""What callers leave and we send: voicemails, and text messages."""
