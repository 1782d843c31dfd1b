"""Industry profiles: what a kind of plant must watch, as data that a site adapts (`docs/profiles.md`)."""
