"""Tests of what bindings tell of values, and of values that clients send."""
from __future__ import absolute_import, unicode_literals

import datetime
import json
from decimal import Decimal

from django.channels.binding.base import CREATE, DELETE, UPDATE
from django.channels.binding.changes import check_key
from django.channels.exceptions import MalformedFrame
from django.channels.layers import channel_layers
from django.channels.message import Message
from django.channels.test import ChannelTestCase
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.db.models.signals import post_save
from django.test import SimpleTestCase, override_settings

from .models import Offer, Page
from .test_binding import BindingTestCase


class KeyOfSeveralFields(object):
    """As the CompositePrimaryKey of Django 5.2."""
    fields = (models.CharField(max_length=2), models.IntegerField())


class KeyTests(SimpleTestCase):

    def test_what_can_be_no_key_is_refused(self):
        several, number = KeyOfSeveralFields(), models.IntegerField()
        for field, good, bad in (
            (several, (['B', 2], ('B', '2'), None), ('B', 5, {}, ['B'], ['B', 'x'], [None, 1], ['B', 2, 3], True)),
            (number, (5, '5', None), ('x', [5], {})),
        ):
            for value in good:
                check_key(field, value)
            for value in bad:
                with self.assertRaises((TypeError, ValidationError, ValueError)):
                    check_key(field, value)


class OfferTestCase(BindingTestCase, ChannelTestCase):

    def bind_offers(self, *names, **attributes):
        attributes.setdefault('group_names', classmethod(lambda cls, instance: ['offers']))
        return self.bind(model=Offer, stream='offers', fields=list(names), **attributes)

    def told(self, client):
        """Return [(action, data)] of what a client was told."""
        return [(frame['payload']['action'], frame['payload']['data']) for frame in self.frames(client)]


class ToldValuesTests(OfferTestCase):
    """What is told is what the database has."""

    def test_values_of_another_type_are_told_as_their_field_has_them(self):
        self.bind_offers('page', 'price', 'seats', 'until', 'is_open')
        client = self.listener('offers')
        page = Page.objects.create()
        with self.assertNumQueries(1):
            offer = Offer.objects.create(
                page_id='%s' % page.pk, price='12.50', seats='3', until='2026-01-02T03:04:05', is_open='False')
        expected = {'page': page.pk, 'price': '12.50', 'seats': 3, 'until': '2026-01-02T03:04:05', 'is_open': False}
        self.assertEqual(self.told(client), [(CREATE, expected)])
        self.assertEqual(offer.seats, '3', 'the application has its own object as it was')
        offer.delete()
        self.assertEqual(self.told(client), [(DELETE, expected)])

    @override_settings(USE_TZ=True)
    def test_a_time_with_a_zone_needs_no_look_at_the_database(self):
        self.bind_offers('until')
        client = self.listener('offers')
        with self.assertNumQueries(1):
            Offer.objects.create(until='2026-01-02T03:04:05+00:00')
        self.assertEqual(self.told(client), [(CREATE, {'until': '2026-01-02T03:04:05Z'})])

    def test_what_only_the_database_knows_is_read_from_it(self):
        self.bind_offers('price', 'seats')
        client = self.listener('offers')
        offer = Offer.objects.create(price=Decimal('1.00'), seats=1)
        self.told(client)
        offer.seats = F('seats') + 4
        offer.save()
        self.assertEqual(self.told(client), [(UPDATE, {'price': '1.00', 'seats': 5})])
        Offer.objects.create(price=Decimal('1.239'), seats=2)
        self.assertEqual(self.told(client), [(CREATE, {'price': '1.24', 'seats': 2})])

    def test_groups_are_found_by_what_the_database_has(self):
        def names(cls, instance):
            return ['many' if instance.seats > 4 else 'few']

        self.bind_offers('seats', group_names=classmethod(names))
        few, many = self.listener('few'), self.listener('many')
        offer = Offer.objects.create(seats='2')
        offer.seats = F('seats') + 4
        offer.save()
        self.assertEqual(self.told(few), [(CREATE, {'seats': 2}), (DELETE, {'seats': 2})])
        self.assertEqual(self.told(many), [(CREATE, {'seats': 6})])

    def test_a_save_within_a_save_of_text_is_told_after_it(self):
        def grow(instance, **kwargs):
            if instance.seats == '1':
                again = Offer.objects.get(pk=instance.pk)
                again.seats = 2
                again.save()

        post_save.connect(grow, sender=Offer)
        self.addCleanup(post_save.disconnect, grow, sender=Offer)
        self.bind_offers('seats')
        client = self.listener('offers')
        Offer.objects.create(seats='1')
        self.assertEqual(self.told(client), [(CREATE, {'seats': 1}), (UPDATE, {'seats': 2})])

    def test_a_call_announces_values_in_the_same_way(self):
        binding = self.bind_offers('seats')
        client = self.listener('offers')
        offer = Offer.objects.create()
        Offer.objects.filter(pk=offer.pk).update(seats=7)
        offer.seats = '7'
        self.told(client)
        binding.announce([offer])
        self.assertEqual(self.told(client), [(UPDATE, {'seats': 7})])

    def test_a_call_announces_nothing_that_is_in_memory_only(self):
        binding = self.bind_offers('seats')
        client = self.listener('offers')
        offers = [Offer.objects.create(seats=1) for _ in range(3)]
        Offer.objects.filter(pk=offers[1].pk).update(seats=5)
        for offer in offers:
            offer.seats = 9
        self.told(client)
        with self.assertNumQueries(1):
            binding.announce(offers + [Offer(seats=4)])
        self.assertEqual([data['seats'] for action, data in self.told(client)], [1, 5, 1, 4])
        binding.announce(Offer.objects.order_by('pk').only('pk'))
        self.assertEqual([data['seats'] for action, data in self.told(client)], [1, 5, 1])


class CopiesTests(OfferTestCase):
    """An object that is saved under another key is a new one."""

    def test_a_copy_is_told_as_created(self):
        by_seats = classmethod(lambda cls, instance: ['offers' if instance.seats else 'none'])
        for attributes in ({}, {'group_names': by_seats}):
            binding = self.bind_offers('seats', **attributes)
            client = self.listener('offers')
            offer = Offer.objects.create(seats=1)
            for key in (None, offer.pk + 100):
                offer.pk = key
                offer.save()
            self.assertEqual(self.told(client), [(CREATE, {'seats': 1})] * 3)
            self.assertEqual(Offer.objects.count(), 3)
            binding.unregister()
            Offer.objects.all().delete()

    def test_also_where_a_receiver_saves_it_once_more(self):
        def grow(instance, created, **kwargs):
            if created:
                instance.seats += 1
                instance.save()

        post_save.connect(grow, sender=Offer)
        self.addCleanup(post_save.disconnect, grow, sender=Offer)
        self.bind_offers('seats')
        client = self.listener('offers')
        offer = Offer.objects.create(seats=1)
        offer.pk = None
        offer.save()
        self.assertEqual([action for action, data in self.told(client)], [CREATE, UPDATE, CREATE, UPDATE])


class ReceivedValuesTests(OfferTestCase):
    """Values that fit no field are the fault of the client that sent them."""

    def ask(self, binding, **body):
        message = Message(
            {'reply_channel': 'websocket.send.p!1', 'path': '/', 'text': json.dumps(body)}, 'websocket.receive',
            channel_layers['default'])
        message.user = None
        binding.trigger_inbound(message)

    def test_they_are_malformed(self):
        binding = self.bind_offers('page', 'price', 'seats', 'until', 'is_open')
        offer = Offer.objects.create()
        for text, body in (
            ('many', {'action': 'create', 'data': {'seats': 'many'}}),
            ('seats', {'action': 'create', 'data': {'seats': None}}),
            ('yesterday', {'action': 'create', 'data': {'until': 'yesterday'}}),
            ('cheap', {'action': 'update', 'pk': offer.pk, 'data': {'price': 'cheap'}}),
            ('perhaps', {'action': 'update', 'pk': offer.pk, 'data': {'is_open': 'perhaps'}}),
            ('front', {'action': 'update', 'pk': offer.pk, 'data': {'page': 'front'}}),
            ('too large', {'action': 'update', 'pk': offer.pk, 'data': {'seats': 10 ** 30}}),
            ('first', {'action': 'update', 'pk': 'first', 'data': {}}),
            ('1', {'action': 'update', 'pk': [1], 'data': {}}),
            ('a', {'action': 'delete', 'pk': {'a': 1}}),
            ('\u20ac', {'action': 'delete', 'pk': '\u20ac'}),
            ('needs a "pk"', {'action': 'update', 'data': {}}),
        ):
            with self.assertRaises(MalformedFrame) as caught:
                self.ask(binding, **body)
            self.assertIn(text, caught.exception.args[0])
        self.assertEqual(Offer.objects.get().seats, 0)

    def test_permission_is_not_asked_for_a_key_that_is_none(self):
        def has_permission(binding, user, action, pk):
            return Offer.objects.get(pk=pk) is not None

        binding = self.bind_offers('seats', has_permission=has_permission)
        with self.assertRaisesMessage(MalformedFrame, "doesn't fit"):
            self.ask(binding, action='delete', pk='first')

    def test_what_fits_is_done(self):
        binding = self.bind_offers('page', 'seats', 'until')
        offer = Offer.objects.create(page=Page.objects.create())
        self.ask(binding, action='update', pk='%s' % offer.pk, data={
            'page': None, 'seats': '5', 'until': '2026-01-02 03:04'})
        offer = Offer.objects.get()
        self.assertEqual((offer.page, offer.seats), (None, 5))
        self.assertEqual(offer.until.replace(tzinfo=None), datetime.datetime(2026, 1, 2, 3, 4))
