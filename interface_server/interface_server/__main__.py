"""python -m interface_server"""
from .cli import main

main()
