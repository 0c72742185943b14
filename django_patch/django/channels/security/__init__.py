"""
What keeps strangers out.
"""
