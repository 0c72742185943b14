"""
Results as JSON, as a table for the terminal, and as the page docs/benchmarks.txt.
"""
import dataclasses
import json
import math
import os
import platform
import time

from .statistics import Figure, Goal, Metric, Verdict, factor, judge, ratio, slope, summarize

#: What is between these lines of the page is rewritten by each whole run.
BEGIN, END = '.. begin of what run.py writes', '.. end of what run.py writes'


def machine_facts():
    """Return what a reader must know of the machine, {name: text}."""
    model = 'unknown'
    try:
        with open('/proc/cpuinfo') as file:
            model = next((line.split(':', 1)[1].strip() for line in file if line.startswith('model name')), model)
    except OSError:
        # Not Linux; then it stays unknown.
        pass
    return {
        'processor': model, 'cores': str(os.cpu_count()), 'system': '%s %s' % (platform.system(), platform.release()),
        'date': time.strftime('%Y-%m-%d'),
    }


def row(workload, outcomes):
    """
    Return what is kept of one workload: a dictionary that JSON can hold.

    `outcomes` is {contender: schedule.Outcome}.
    """
    figures = {contender: summarize(outcome.samples) for contender, outcome in outcomes.items()}
    return {
        'name': workload.name, 'title': workload.title, 'series': workload.series, 'x': workload.x,
        'base': workload.base or workload.contenders[0],
        'metrics': [dataclasses.asdict(metric) for metric in workload.metrics],
        'contenders': {
            contender: {
                'error': outcomes[contender].error,
                'figures': {name: dataclasses.asdict(figure) for name, figure in figures[contender].items()},
                'samples': outcomes[contender].samples,
            } for contender in outcomes
        },
        'goals': [
            dict(dataclasses.asdict(verdict.goal), value=verdict.value, holds=verdict.holds)
            for verdict in judge(workload.goals, figures)
        ],
    }


def write_json(path, facts, rows):
    """Write all rows to a file, whole or not at all."""
    partial = path.with_suffix('.part')
    partial.write_text(json.dumps({'machine': facts, 'rows': rows}, indent=1) + '\n', encoding='utf-8')
    partial.replace(path)


def read_figures(row):
    """Return {contender: {metric: Figure}} of a row."""
    return {
        contender: {name: Figure(**figure) for name, figure in kept['figures'].items()}
        for contender, kept in row['contenders'].items()
    }


def number(value, digits):
    """Return a number as text, with as many digits as it deserves."""
    if digits == 0 and 0 < abs(value) < 10:
        digits = 1
    return '{:,.{}f}'.format(value, digits)


def cell(figure, metric):
    """Return median and span of a Figure as text."""
    text = number(figure.median, metric.digits)
    if figure.rounds > 1:
        text += ' (%s..%s)' % (number(figure.minimum, metric.digits), number(figure.maximum, metric.digits))
    return text


def lines_of(row):
    """Return the table of a row as a list of lists of text, its header first."""
    metrics = [Metric(**metric) for metric in row['metrics']]
    figures = read_figures(row)
    metrics = [metric for metric in metrics if any(metric.name in each for each in figures.values())]
    table = [['who'] + ['%s, %s' % (metric.name, metric.unit) for metric in metrics] +
             ['%s : %s' % (metrics[0].name, row['base']) if metrics else '']]
    for contender, kept in row['contenders'].items():
        if not kept['figures']:
            table.append([contender, 'failed: %s' % (kept['error'] or '?').splitlines()[0]])
            continue
        line = [contender]
        for metric in metrics:
            figure = figures[contender].get(metric.name)
            line.append(cell(figure, metric) if figure else '-')
        against = ratio(figures, metrics[0].name, contender, row['base'])
        table.append(line + ['-' if against is None else '%.3g' % against])
    return table


def verdict_lines(row):
    """Return a line of text for each goal of a row."""
    lines = []
    for kept in row['goals']:
        goal = Goal(**{field.name: kept[field.name] for field in dataclasses.fields(Goal)})
        verdict = Verdict(goal, kept['value'])
        if verdict.holds is None:
            reached, word = 'not measured', '?'
        else:
            is_ratio = goal.base and not goal.is_more
            reached = factor(float('%.3g' % verdict.value)) if is_ratio else '%.4g' % verdict.value
            word = 'holds' if verdict.holds else 'MISSED'
        lines.append('%-6s  %s: %s' % (word, goal, reached))
    return lines


def align(table, indent=''):
    """Return the lines of a table as text, in columns."""
    columns = max(len(line) for line in table)
    widths = [
        max([len(line[column]) for line in table if len(line) > column and len(line) > 2] or [0])
        for column in range(columns)
    ]
    text = []
    for line in table:
        cells = [line[0].ljust(widths[0])] + [
            text.rjust(width) if len(line) > 2 else text for text, width in zip(line[1:], widths[1:])
        ]
        text.append((indent + '  '.join(cells)).rstrip())
    return text


def as_text(row):
    """Return a row for the terminal."""
    return '\n'.join(
        ['', '%s: %s' % (row['name'], row['title'])] + align(lines_of(row), '  ') +
        ['  ' + line for line in verdict_lines(row)]
    )


def growth(rows):
    """
    Return {series: {contender: (points, exponent)}}, by the first metric.

    Points are (x, median). The exponent is the slope between logarithms:
    twice the x makes 2 ** exponent times the figure.
    """
    found = {}
    for row in sorted((row for row in rows if row['series']), key=lambda row: row['x']):
        metric = row['metrics'][0]['name']
        for contender, figures in read_figures(row).items():
            if metric in figures and figures[metric].median > 0:
                found.setdefault(row['series'], {}).setdefault(contender, []).append(
                    (row['x'], figures[metric].median),
                )
    grown = {}
    for series, contenders in found.items():
        for contender, points in contenders.items():
            line = slope([(math.log(x), math.log(y)) for x, y in points])
            if line is not None:
                grown.setdefault(series, {})[contender] = (points, line[0])
    return grown


def growth_lines(series, contenders):
    """Return the lines of a table of one series, as growth() has it."""
    places = sorted({x for points, exponent in contenders.values() for x, y in points})
    table = [['who'] + ['%g' % x for x in places] + ['exponent']]
    for contender, (points, exponent) in contenders.items():
        at = dict(points)
        table.append(
            [contender] + [number(at[x], 0) if x in at else '-' for x in places] + ['%.2f' % exponent]
        )
    return table


def as_page(facts, rows):
    """Return what stands between BEGIN and END of the page."""
    missed = sum(1 for row in rows for goal in row['goals'] if goal['holds'] is False)
    held = sum(1 for row in rows for goal in row['goals'] if goal['holds'])
    lines = [
        'Measured on %(date)s: %(processor)s, %(cores)s cores, %(system)s.' % facts,
        '%d goals hold, %d are missed.' % (held, missed), '',
        'Each figure is the median of the rounds, with the smallest and the largest.',
    ]
    for row in rows:
        heading = '%s: %s' % (row['name'], row['title'])
        lines += ['', heading, '-' * len(heading), '', '.. code-block:: text', ''] + align(lines_of(row), '    ')
        if row['goals']:
            lines += ['    '] + ['    ' + line for line in verdict_lines(row)]
    grown = growth(rows)
    if grown:
        lines += [
            '', 'Growth', '------', '',
            'Operations per second at each place of a series. With an exponent of -1 twice as much takes twice the',
            'time; with 0 it makes no difference.',
        ]
    for series, contenders in grown.items():
        lines += [
            '', '%s:' % (series[0].upper() + series[1:]), '', '.. code-block:: text', '',
        ] + align(growth_lines(series, contenders), '    ')
    return '\n'.join(line.rstrip() for line in lines)


def put_into_page(page, text):
    """Return `page` with `text` between BEGIN and END; ValueError if it lacks them."""
    if BEGIN not in page or END not in page:
        raise ValueError('The page has no place for the results: the lines %r and %r.' % (BEGIN, END))
    head, tail = page.split(BEGIN, 1)[0], page.split(END, 1)[1]
    return '%s%s\n\n%s\n\n%s%s' % (head, BEGIN, text, END, tail)
