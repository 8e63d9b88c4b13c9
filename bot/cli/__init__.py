"""The commands: what a person types becomes an event, and what came of it is printed."""
