from .base import BaseConsumer as BaseConsumer

__all__ = ["BaseConsumer"]
