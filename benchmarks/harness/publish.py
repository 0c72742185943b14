"""
docs/benchmarks.txt and its plots, from a file of results.
"""
import json

from harness import process

from . import BENCHMARKS, CHECKOUT, report

PAGE = CHECKOUT / 'docs' / 'benchmarks.txt'
PLOTS = CHECKOUT / 'docs' / 'benchmarks'

#: What draws the plots; installed into an environment of its own.
REQUIREMENTS = ('matplotlib==3.10.6',)


def publish(machine, results, reporter):
    """Write the generated part of the page, and the plots as PNG and SVG."""
    kept = json.loads(results.read_text(encoding='utf-8'))
    page = report.put_into_page(PAGE.read_text(encoding='utf-8'), report.as_page(kept['machine'], kept['rows']))
    PAGE.write_text(page, encoding='utf-8')
    version = next(version for version in ('3.13', '3.12', '3.11', '3.10') if version in machine.interpreters)
    environment = machine.environment('plots', version, REQUIREMENTS)
    PLOTS.mkdir(exist_ok=True)
    process.check(
        [environment.python, BENCHMARKS / 'programs' / 'plot.py', results, PLOTS], machine.log('plots'), 'Plotting',
        # matplotlib would write its cache into the user's home.
        MPLCONFIGDIR=str(machine.cache.root / 'matplotlib'),
    )
    reporter.say('Written: %s, and plots in %s' % (PAGE, PLOTS))
