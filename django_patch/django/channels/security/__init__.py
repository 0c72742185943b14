"""
Protection of consumers against requests from other sites.
"""
