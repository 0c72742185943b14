"""The two names that moved between Django 1.8 and Django 6.1."""
try:
    from django.urls import re_path
except ImportError:
    # Delete when Django < 2.0 support ends.
    from django.conf.urls import url as re_path

try:
    from django.contrib.auth.views import LoginView
except ImportError:
    # Delete when Django < 1.11 support ends.
    from django.contrib.auth.views import login as login_view
else:
    login_view = LoginView.as_view()

__all__ = ['login_view', 're_path']
