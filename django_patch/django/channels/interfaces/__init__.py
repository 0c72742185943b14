"""
Between protocols and messages: what every interface server has to know.
"""
from __future__ import absolute_import
