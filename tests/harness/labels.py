"""The folders of tests, and the labels that choose among what is in them."""
from .packages import CHECKOUT
from .pairs import JOINT

TESTS = CHECKOUT / 'tests'

#: Folders of tests by the name that --labels knows them by.
FOLDERS = {
    'channels_tests': TESTS / 'channels_tests',
    'backport_tests': TESTS / 'backport_tests',
    'patch_tests': TESTS / 'patch_tests',
    'runtests_tests': TESTS / 'runtests_tests',
    'system': TESTS / 'system',
    'peers': TESTS / 'peers',
    'family': TESTS / 'family',
    'interface_server': CHECKOUT / 'interface_server' / 'tests',
}

#: Labels of the rows that read the checkout instead of running it: workshop.py.
WORKSHOP = ('lint', 'types', 'docs', 'spelling')

#: Modules of system tests that no pair runs by itself.
JOINT_MODULES = tuple(module for module, pairs in JOINT.values())


class Labels:
    """Which tests to run: labels such as 'channels_tests.test_routing' or 'system/test_chat.py'."""

    def __init__(self, labels):
        self.labels = list(labels)
        for label in self.labels:
            if self._folder(label) not in FOLDERS and label not in WORKSHOP:
                raise ValueError(
                    "Label '%s' must begin with one of %s, such as channels_tests.test_routing or "
                    "system/test_chat.py, or be one of %s." % (label, ', '.join(FOLDERS), ', '.join(WORKSHOP))
                )

    @staticmethod
    def _folder(label):
        return label.replace('/', '.').split('.')[0]

    def of(self, folder):
        """Return the labels for one of FOLDERS or WORKSHOP; [folder] when all of it is meant, [] when none."""
        if not self.labels:
            return [folder]
        return [label for label in self.labels if self._folder(label) == folder]

    def paths(self, folder):
        """Return the labels for one of FOLDERS as pytest understands them; not the joint system tests."""
        return [
            str(FOLDERS[folder]) + _below(folder, label) for label in self.of(folder)
            if not any(module in label for module in JOINT_MODULES)
        ]

    def system_module(self, module):
        """Return the labels of one module of the system tests as pytest understands them."""
        if 'system' in self.of('system'):
            return [str(FOLDERS['system'] / module)]
        return [str(FOLDERS['system']) + label[len('system'):] for label in self.of('system') if module in label]


def _below(folder, label):
    """Return what follows the folder in a label, which may be a path in the checkout."""
    rest = label[len(folder):]
    return rest[len('/tests'):] if folder == 'interface_server' and rest.startswith('/tests') else rest
