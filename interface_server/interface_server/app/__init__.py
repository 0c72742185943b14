"""
The application: it translates between what clients say and the messages of a channel layer.
"""
