"""The HTTP API as data: endpoints and messages, for server and client."""
