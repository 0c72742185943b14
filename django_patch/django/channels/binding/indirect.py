"""
Changes of bound objects that aren't saves of themselves.

An object changes with its many-to-many relations, from either side, and with
a save of the model that its own inherits from.
"""
from __future__ import absolute_import

from .. import outbox
from .changes import hang, has_fixed_groups, stored, take_notes
from .inbound import UPDATE


class IndirectChanges(object):
    """
    The part of a binding that follows its objects through other models.

    What is told is what the database has: the objects that the signals bring
    may have been changed in memory only.
    """

    @classmethod
    def m2m_receiver(cls, sender, instance, action, reverse=False, pk_set=None, using=None, **kwargs):
        """Tell of objects whose relations in the table of `sender` change, from either side."""
        phase, _, what = action.partition('_')
        if phase == 'pre':
            # Of fixed groups all but the members of a relation that is
            # cleared is known as well afterwards.
            if what == 'clear' or not has_fixed_groups(cls):
                cls._note_indirect(instance, cls._related(sender, instance, reverse, pk_set, using))
            return
        if cls not in vars(instance).get('_binding_indirect', {}):
            cls._note_indirect(instance, cls._related(sender, instance, reverse, pk_set, using))
        noted = cls._noted(instance)
        if what == 'add' and not reverse:
            # Of a symmetrical relation Django adds the other half after this.
            noted, mirrored = noted[:1], noted[1:]
            outbox.at_commit(lambda: cls._tell_indirect(mirrored, using), using)
        cls._tell_indirect(noted, using)

    @classmethod
    def _related(cls, through, instance, reverse, pk_set, using):
        """Return the objects whose relations in `through` change with `instance`, as the database has them."""
        name = next(field.name for field in cls.model._meta.many_to_many
                    if getattr(cls.model, field.name).through is through)
        found = []
        if not reverse:
            own = stored(cls.model, instance, using)
            if own is None:
                # It isn't of this model, which inherits the relation.
                return found
            found.append(own)
            if not getattr(own, name).symmetrical:
                return found
        others = cls.model._base_manager.using(using)
        return found + list(others.filter(**{name: instance.pk}) if pk_set is None else others.filter(pk__in=pk_set))

    @classmethod
    def _parent_saving(cls, instance, using):
        """Note the object that `instance`, of a model that this one inherits from, is a part of, if any."""
        if instance._state.adding:
            return
        child = stored(cls.model, instance, using)
        cls._note_indirect(instance, [] if child is None else [child])

    @classmethod
    def _note_indirect(cls, holder, before):
        """Note on `holder` that the objects `before` are about to change with it."""
        for each in before:
            each._binding_before = {cls: each}
            cls.pre_change_receiver(each, UPDATE)
        vars(holder).setdefault('_binding_indirect', {})[cls] = before

    @classmethod
    def _parent_saved(cls, instance, using):
        """Tell what became of the object that was noted on `instance`, if any."""
        cls._tell_indirect(cls._noted(instance), using)

    @classmethod
    def _noted(cls, holder):
        return vars(holder).get('_binding_indirect', {}).pop(cls, [])

    @classmethod
    def _tell_indirect(cls, noted, using):
        """Tell what became of the objects `noted`."""
        before = {each.pk: each for each in noted}
        for now in cls.model._base_manager.using(using).filter(pk__in=list(before)) if before else ():
            hang(before[now.pk], now)
            take_notes(before[now.pk], now)
            cls.post_change_receiver(now, UPDATE, using=using)
