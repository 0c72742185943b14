"""What is measured. Each module has a list, WORKLOADS; those here are in the order in which they are run."""
import importlib
import pkgutil

#: Modules that come first; any others follow.
ORDER = ('layers', 'site', 'memory', 'fairness', 'tasks', 'jobs', 'starting', 'growth')

_found = [module for _, module, _ in pkgutil.iter_modules(__path__)]
WORKLOADS = [
    workload
    for module in sorted(_found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    for workload in importlib.import_module('%s.%s' % (__name__, module)).WORKLOADS
]
