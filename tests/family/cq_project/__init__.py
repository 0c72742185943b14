"""A project for the tests of django-cq, whose distribution brings none."""
