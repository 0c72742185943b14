"""Rooms in which people talk: models, pages and WebSocket consumers."""
