"""OpenStack, by its own REST services."""
