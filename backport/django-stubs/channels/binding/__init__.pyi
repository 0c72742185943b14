from .base import Binding as Binding

__all__ = ["Binding"]
