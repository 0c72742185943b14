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


class Offer(models.Model):
    """Has fields of which the application may assign what the database turns into something else."""
    page = models.ForeignKey(Page, null=True, on_delete=models.SET_NULL)
    price = models.DecimalField(max_digits=6, decimal_places=2, default=0)
    seats = models.IntegerField(default=0)
    until = models.DateTimeField(null=True)
    is_open = models.BooleanField(default=True)


class Person(models.Model):
    friends = models.ManyToManyField('self')
