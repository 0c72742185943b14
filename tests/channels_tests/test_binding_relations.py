"""Tests of data binding across inherited models, many-to-many relations and saves within saves."""
from __future__ import absolute_import, unicode_literals

import unittest

from django.channels.binding.base import CREATE, DELETE, UPDATE
from django.channels.compat.transactions import has_commit_hooks
from django.channels.test import ChannelTestCase, TransactionChannelTestCase
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from .models import Article, ArticleProxy, Label, Page, Person, Review
from .test_binding import BindingTestCase

by_room = classmethod(lambda cls, page: [page.room])


class RelationsTestCase(BindingTestCase):

    def watch(self, model, fields=('room', 'text'), group_names=by_room, **attributes):
        attributes.setdefault('stream', 'pages')
        return self.bind(model=model, fields=list(fields), group_names=group_names, **attributes)

    def told(self, client):
        """Return the (action, data) that `client` was sent."""
        return [(frame['payload']['action'], frame['payload']['data']) for frame in self.frames(client)]

    def receiver(self, signal, sender, function):
        """Connect a function to a signal, as one in models.py: before the binding, which is made afterwards."""
        signal.connect(function, sender=sender)
        self.addCleanup(signal.disconnect, function, sender=sender)


class InheritanceTests(RelationsTestCase, ChannelTestCase):

    def test_what_inherits_is_an_object_of_the_bound_model(self):
        self.watch(Page)
        client = self.listener('a')
        for model in (Article, Review, ArticleProxy):
            page = model.objects.create(room='a', text='one')
            page.text = 'two'
            page.save()
            page.delete()
            one, two = ({'room': 'a', 'text': text} for text in ('one', 'two'))
            self.assertEqual(self.told(client), [(CREATE, one), (UPDATE, two), (DELETE, two)], model)

    def test_inherited_fields_are_told(self):
        self.watch(Review, ['room', 'author', 'stars', 'labels'])
        client = self.listener('a')
        review = Review.objects.create(room='a', author='ann', stars=3)
        data = {'room': 'a', 'author': 'ann', 'stars': 3, 'labels': []}
        self.assertEqual(self.told(client), [(CREATE, data)])
        label = Label.objects.create()
        review.labels.add(label)
        self.assertEqual(self.told(client), [(UPDATE, dict(data, labels=[label.pk]))])
        label.page_set.clear()
        self.assertEqual(self.told(client), [(UPDATE, data)])

    def test_a_save_of_the_parent_changes_the_object(self):
        self.watch(Review, ['room', 'text', 'stars'])
        Page.objects.create(room='a')
        review = Review.objects.create(room='a', stars=2)
        old, new = self.listener('a'), self.listener('b')
        for model, room, texts in ((Page, 'a', [UPDATE]), (Article, 'a', [UPDATE]), (ArticleProxy, 'b', [DELETE])):
            parent = model.objects.get(pk=review.pk)
            parent.room, parent.text = room, model.__name__
            parent.save()
            told = self.told(old)
            self.assertEqual([action for action, _ in told], texts)
        self.assertEqual(told, [(DELETE, {'room': 'a', 'text': 'Article', 'stars': 2})])
        self.assertEqual(self.told(new), [(CREATE, {'room': 'b', 'text': 'ArticleProxy', 'stars': 2})])
        Page.objects.get(pk=review.pk).delete()
        self.assertEqual(self.actions(new), [DELETE])

    def test_what_is_no_object_of_the_model_is_not_told(self):
        self.watch(Article, ['room', 'labels'])
        client = self.listener('a')
        page, label = Page.objects.create(room='a'), Label.objects.create()
        page.save()
        page.labels.add(label)
        label.page_set.clear()
        label.page_set.add(page)
        page.delete()
        self.assertEqual(self.told(client), [])

    def test_clients_create_and_change_all_parts(self):
        binding = self.watch(Review, ['room', 'author', 'stars', 'labels'])
        label = Label.objects.create()
        binding().create({'room': 'a', 'author': 'ann', 'stars': 1, 'labels': [label.pk]})
        review = Review.objects.get()
        self.assertEqual((review.room, review.author, review.stars), ('a', 'ann', 1))
        binding().update(review.pk, {'room': 'b', 'author': 'bob', 'labels': []})
        review = Review.objects.get()
        self.assertEqual((review.room, review.author, review.stars, review.labels.count()), ('b', 'bob', 1, 0))
        binding().delete(review.pk)
        self.assertEqual(Page.objects.count(), 0)

    def test_clients_do_not_reach_rows_of_the_parent(self):
        # Their permission is for an article; all of a page's fields would be
        # overwritten by an article with its key.
        binding = self.watch(Article, ['__all__'])
        page, mine = Page.objects.create(room='a', text='of others'), Article.objects.create(room='a')
        binding().create({'id': page.pk, 'room': 'evil'})
        binding().create({'page_ptr': page.pk, 'room': 'evil'})
        binding().update(mine.pk, {'id': page.pk, 'room': 'evil'})
        binding().update(mine.pk, {'page_ptr': page.pk, 'room': 'evil'})
        page.refresh_from_db()
        self.assertEqual((page.room, page.text), ('a', 'of others'))
        self.assertEqual((Article.objects.count(), Page.objects.count()), (3, 4))


class ManyToManyTests(RelationsTestCase, ChannelTestCase):

    def by_label(self):
        return self.watch(Page, ['text', 'labels'], classmethod(
            lambda cls, page: [label.name for label in page.labels.all()] if page.pk else []))

    def test_groups_may_follow_the_relation_from_either_side(self):
        self.by_label()
        first, second = Label.objects.create(name='x'), Label.objects.create(name='y')
        page = Page.objects.create(text='p')
        one, other = self.listener('x'), self.listener('y')
        for change, expected in (
            (lambda: page.labels.add(first), ([CREATE], [])),
            (lambda: second.page_set.add(page), ([UPDATE], [CREATE])),
            (lambda: second.page_set.remove(page), ([UPDATE], [DELETE])),
            (lambda: page.labels.add(second), ([UPDATE], [CREATE])),
            (lambda: page.labels.remove(first), ([DELETE], [UPDATE])),
            (lambda: second.page_set.clear(), ([], [DELETE])),
            (lambda: page.labels.add(first, second), ([CREATE], [CREATE])),
            (lambda: page.labels.clear(), ([DELETE], [DELETE])),
        ):
            change()
            self.assertEqual((self.actions(one), self.actions(other)), expected)

    def test_what_was_changed_in_memory_only_is_not_told(self):
        self.watch(Page, ['text', 'labels'])
        page, label = Page.objects.create(room='a', text='saved'), Label.objects.create()
        old, new = self.listener('a'), self.listener('b')
        page.room, page.text = 'b', 'only in memory'
        page.labels.add(label)
        label.page_set.remove(page)
        self.assertEqual(self.told(old), [
            (UPDATE, {'text': 'saved', 'labels': [label.pk]}), (UPDATE, {'text': 'saved', 'labels': []})])
        self.assertEqual(self.told(new), [])

    def test_a_relation_to_itself_changes_both_ends(self):
        self.watch(Person, ['friends'], classmethod(lambda cls, person: ['people']))
        ann, bob = Person.objects.create(), Person.objects.create()
        client = self.listener('people')
        ann.friends.add(bob)
        ends = [frame['payload']['pk'] for frame in self.frames(client)]
        self.assertEqual(sorted(ends), sorted([ann.pk, bob.pk]))
        ann.friends.clear()
        told = [(frame['payload']['pk'], frame['payload']['data']['friends']) for frame in self.frames(client)]
        self.assertEqual(sorted(told), sorted([(ann.pk, []), (bob.pk, [])]))


class PartialSaveTests(RelationsTestCase, ChannelTestCase):

    def test_fields_that_are_not_saved_are_not_told(self):
        self.watch(Page)
        page = Page.objects.create(room='a', text='one')
        old, new = self.listener('a'), self.listener('b')
        page.room, page.text = 'b', 'two'
        page.save(update_fields=['text'])
        self.assertEqual((self.told(old), self.told(new)), ([(UPDATE, {'room': 'a', 'text': 'two'})], []))
        page.text = 'three'
        page.save(update_fields=['room'])
        self.assertEqual(self.told(old), [(DELETE, {'room': 'a', 'text': 'two'})])
        self.assertEqual(self.told(new), [(CREATE, {'room': 'b', 'text': 'two'})])

    def test_nor_are_they_where_groups_are_fixed(self):
        self.watch(Page, group_names=classmethod(lambda cls, page: ['all']))
        page = Page.objects.create(room='a', text='one')
        client = self.listener('all')
        page.room, page.text = 'b', 'two'
        page.save(update_fields=['text'])
        self.assertEqual(self.told(client), [(UPDATE, {'room': 'a', 'text': 'two'})])
        with self.assertNumQueries(1):
            page.save(update_fields=['room', 'text'])


class NestedTests(RelationsTestCase, ChannelTestCase):
    """A receiver loads the object that is being saved, and saves it."""

    def touch(self, sender, instance, **kwargs):
        if instance.pk and not instance.text.endswith('!'):
            other = Page.objects.get(pk=instance.pk)
            other.text += '!'
            other.save()

    def test_what_is_newer_is_told_last(self):
        self.receiver(post_save, Page, self.touch)
        self.watch(Page)
        client, other = self.listener('a'), self.listener('b')
        page = Page.objects.create(room='a', text='one')
        self.assertEqual(self.told(client), [
            (CREATE, {'room': 'a', 'text': 'one'}), (UPDATE, {'room': 'a', 'text': 'one!'})])
        page.room, page.text = 'b', 'two'
        page.save()
        self.assertEqual(self.told(client), [(DELETE, {'room': 'a', 'text': 'one!'})])
        self.assertEqual(self.told(other), [
            (CREATE, {'room': 'b', 'text': 'two'}), (UPDATE, {'room': 'b', 'text': 'two!'})])

    def test_also_where_groups_are_fixed(self):
        self.receiver(post_save, Page, self.touch)
        self.watch(Page, group_names=classmethod(lambda cls, page: ['all']))
        client = self.listener('all')
        Page.objects.create(room='a', text='one')
        self.assertEqual([data['text'] for _, data in self.told(client)], ['one', 'one!'])

    def test_before_the_save_it_is_the_older(self):
        page = Page.objects.create(room='a', text='one')
        self.receiver(pre_save, Page, self.touch)
        self.watch(Page)
        client = self.listener('a')
        page.text = 'two'
        page.save()
        self.assertEqual([data['text'] for _, data in self.told(client)], ['one!', 'two'])

    def test_a_save_that_a_binding_keeps_to_itself_is_not_told_later(self):
        def post_save_receiver(cls, instance, **kwargs):
            if instance.text != 'hidden':
                super(cls, cls).post_save_receiver(instance, **kwargs)
        self.watch(Page, post_save_receiver=classmethod(post_save_receiver))
        page = Page.objects.create(room='a', text='one')
        client = self.listener('a')
        page.text = 'hidden'
        page.save()
        other = Page.objects.get()
        other.text = 'two'
        other.save()
        self.assertEqual(self.told(client), [(UPDATE, {'room': 'a', 'text': 'two'})])

    def test_a_binding_may_have_a_receiver_of_its_own(self):
        def post_save_receiver(cls, instance, created, **kwargs):
            cls.post_change_receiver(instance, CREATE if created else UPDATE)
        self.watch(Page, post_save_receiver=classmethod(post_save_receiver))
        client = self.listener('a')
        page = Page.objects.create(room='a', text='one')
        Page.objects.get().save()
        page.save()
        self.assertEqual([action for action, _ in self.told(client)], [CREATE, UPDATE, UPDATE])

    def test_a_save_that_failed_is_not_told_later(self):
        def fail(sender, instance, **kwargs):
            if instance.text == 'fails':
                raise ValueError('of the test')
        self.receiver(post_save, Page, fail)
        self.watch(Page)
        page = Page.objects.create(room='a', text='one')
        client = self.listener('a')
        page.text = 'fails'
        with self.assertRaises(ValueError), transaction.atomic():
            page.save()
        again = Page.objects.get(pk=page.pk)
        again.text = 'two'
        again.save()
        self.assertEqual(self.told(client), [(UPDATE, {'room': 'a', 'text': 'two'})])


@unittest.skipUnless(has_commit_hooks(), 'Django 1.8 tells at once.')
class RollbackTests(RelationsTestCase, TransactionChannelTestCase):
    available_apps = ['django.channels', 'channels_tests']

    def test_only_what_is_committed_is_told(self):
        self.watch(Page, ['room', 'text', 'labels'])
        page, label = Page.objects.create(room='a', text='one'), Label.objects.create()
        client, other = self.listener('a'), self.listener('b')
        for change in (
            lambda: page.labels.add(label), lambda: label.page_set.add(page), lambda: Page.objects.all().delete(),
            lambda: Page.objects.get().delete(), lambda: Article.objects.create(room='a'),
            lambda: (setattr(page, 'room', 'b'), page.save()),
        ):
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                change()
                1 / 0
            self.assertEqual((self.told(client), self.told(other)), ([], []))
        # It is still in room a, whatever the object in hand says.
        page.text = 'two'
        page.save()
        self.assertEqual(self.told(client), [(DELETE, {'room': 'a', 'text': 'one', 'labels': []})])
        self.assertEqual(self.actions(other), [CREATE])

    def test_a_savepoint_that_is_rolled_back_is_not_told(self):
        self.watch(Page)
        page = Page.objects.create(room='a', text='one')
        client = self.listener('a')
        with transaction.atomic():
            page.text = 'two'
            page.save()
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                page.text = 'three'
                page.save()
                1 / 0
        self.assertEqual([data['text'] for _, data in self.told(client)], ['two'])

    def test_both_ends_of_a_relation_to_itself_are_told_as_they_are(self):
        self.watch(Person, ['friends'], classmethod(lambda cls, person: ['people']))
        ann, bob = Person.objects.create(), Person.objects.create()
        client = self.listener('people')
        ann.friends.add(bob)
        told = {frame['payload']['pk']: frame['payload']['data']['friends'] for frame in self.frames(client)}
        self.assertEqual(told, {ann.pk: [bob.pk], bob.pk: [ann.pk]})
