"""What the use cases need of the world: small Protocols, each named for a role."""
