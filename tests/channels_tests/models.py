"""Models for tests of what Django's own apps have no example of."""
from __future__ import absolute_import

from django.db import models


class Label(models.Model):
    name = models.CharField(max_length=20)


class Page(models.Model):
    room = models.CharField(max_length=20)
    text = models.CharField(max_length=20, default='')
    labels = models.ManyToManyField(Label)


class Article(Page):
    """A page with a table of its own beside that of pages."""
    author = models.CharField(max_length=20, default='')


class Review(Article):
    stars = models.IntegerField(default=0)


class ArticleProxy(Article):

    class Meta:
        proxy = True


class Person(models.Model):
    friends = models.ManyToManyField('self')
