"""
Run all cases with the `channels` of this Python and print their outcomes.

    python run.py            {case: outcome} as JSON
    python run.py names      {module: {name: signature}} of the public names
"""
from __future__ import absolute_import, print_function

import json
import logging
import os
import sys
import warnings

os.environ['DJANGO_SETTINGS_MODULE'] = 'scenarios.settings'
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True


def main(arguments):
    warnings.simplefilter('ignore')
    logging.disable(logging.CRITICAL)
    import django
    django.setup()
    from django.core.management import call_command
    call_command('migrate', verbosity=0, run_syncdb=True)
    if arguments[:1] == ['names']:
        from scenarios.names import public_names
        print(json.dumps(public_names()))
        return
    from scenarios import MODULES
    from scenarios.cases import CASES, run
    from scenarios.tables import empty_tables, forget_sends
    for module in MODULES:
        __import__('scenarios.' + module)
    outcomes = {}
    for name, function in CASES.items():
        outcomes[name] = run(function)
        empty_tables()
        forget_sends()
    print(json.dumps(outcomes))


if __name__ == '__main__':
    main(sys.argv[1:])
