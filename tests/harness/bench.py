"""The bench: tools, wheels and options that all rows of a run share."""
import concurrent.futures

from . import process
from .labels import Labels
from .pairs import between, once_for_python


class Bench:
    """What all pairs share: cache, tools, wheels, labels, reporter, options; and the pairs."""

    def __init__(self, cache, interpreters, environments, packages, reporter, options, pairs):
        self.pairs = pairs
        self.once_for_python = once_for_python(pairs, interpreters)
        #: Pythons that leave what takes long to their neighbors.
        self.between = set() if options.all else between(pairs, interpreters)
        self.cache = cache
        self.interpreters = interpreters
        self.environments = environments
        self.packages = packages
        self.reporter = reporter
        self.options = options
        self.labels = Labels(options.labels)
        self.wheels = {}

    def build(self, pairs):
        """Build the wheels that the pairs need, each once. One that can't be built fails the pairs that need it."""
        wanted = {'backport': self.packages.backport}
        if any(pair.has_interface_server for pair in pairs):
            wanted['interface_server'] = self.packages.interface_server
        if any(pair.patched for pair in pairs):
            wanted['patched Django'] = self.packages.patched_django
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(wanted)) as pool:
            list(pool.map(lambda name: self._build(name, wanted[name]), set(wanted) - set(self.wheels)))

    def _build(self, name, build):
        self.reporter.progress('wheels', name + ' ...')
        try:
            self.wheels[name] = build()
        except process.StepFailed as error:
            self.wheels[name] = error
            self.reporter.failure('wheels', str(error), error.log)
        else:
            self.reporter.progress('wheels', '%s built: %s' % (name, self.wheels[name].name))

    def wheel(self, name):
        """Return the path of a wheel that build() built. StepFailed when it could not."""
        if isinstance(self.wheels[name], process.StepFailed):
            raise self.wheels[name]
        return self.wheels[name]
