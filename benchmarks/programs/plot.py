"""
Draw the results: python plot.py RESULTS FOLDER. Needs matplotlib.

peers.png and .svg show, for each workload with peers, how many times as fast
(or as cheap) as its peers the project is; growth.png and .svg, how figures grow
along each series.
"""
import json
import pathlib
import sys

import matplotlib

matplotlib.use('Agg')
# Two runs with the same results give the same files.
matplotlib.rcParams['svg.hashsalt'] = 'benchmarks'

from matplotlib import pyplot, ticker  # noqa: E402: the backend comes first

#: Units of which less is better.
COSTS = ('µs', 'ms', 'kB')
COLOURS = ['#0b6e4f', '#c84630', '#3d5a80', '#e09f3e', '#7d5ba6', '#6c757d', '#2a9d8f', '#9c6644']


def save(figure, folder, name):
    for suffix, metadata in (('png', {'Software': None}), ('svg', {'Date': None})):
        figure.savefig(folder / ('%s.%s' % (name, suffix)), dpi=110, bbox_inches='tight', metadata=metadata)
    pyplot.close(figure)


def median(row, contender, metric):
    figure = row['contenders'].get(contender, {}).get('figures', {}).get(metric)
    return figure and figure['median']


def peers(rows, folder):
    """One bar a goal that compares: above 1, ours is better by that factor."""
    bars = []
    for row in rows:
        units = {metric['name']: metric['unit'] for metric in row['metrics']}
        for goal in row['goals']:
            if goal['base'] is None or not goal['value']:
                continue
            better = 1 / goal['value'] if units[goal['metric']] in COSTS else goal['value']
            wanted = 1 / goal['bound'] if units[goal['metric']] in COSTS else goal['bound']
            bars.append(
                ('%s: %s against %s' % (row['name'], goal['metric'], goal['base']), better, wanted, goal['holds']),
            )
    if not bars:
        return
    bars.reverse()
    figure, axes = pyplot.subplots(figsize=(9, 0.28 * len(bars) + 1))
    positions = range(len(bars))
    # From 1, where both are equal, to the right or to the left.
    axes.barh(
        positions, [bar[1] - 1 for bar in bars], left=1, height=0.7,
        color=[COLOURS[0] if bar[3] else COLOURS[1] for bar in bars],
    )
    axes.plot([bar[2] for bar in bars], positions, 'k|', markersize=11, markeredgewidth=2, label='goal')
    axes.set_yticks(positions)
    axes.set_yticklabels([bar[0] for bar in bars], fontsize=8)
    axes.set_xscale('log')
    axes.axvline(1, color='#888888', linewidth=0.8)
    axes.set_xlabel('times as fast, or as cheap, as the peer (logarithmic)')
    axes.legend(loc='best')
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, position: '%g' % value))
    axes.set_ylim(-0.6, len(bars) - 0.4)
    save(figure, folder, 'peers')


def growth(rows, folder):
    """One diagram a series: a line for each contender."""
    series = {}
    for row in rows:
        if row['series']:
            series.setdefault(row['series'], []).append(row)
    if not series:
        return
    columns = 2
    lines = (len(series) + columns - 1) // columns
    figure, grid = pyplot.subplots(lines, columns, figsize=(11, 3.6 * lines), squeeze=False)
    for axes in grid.flat[len(series):]:
        axes.set_visible(False)
    for axes, (name, points) in zip(grid.flat, series.items()):
        points.sort(key=lambda row: row['x'])
        metric = points[0]['metrics'][0]
        contenders = list(dict.fromkeys(contender for row in points for contender in row['contenders']))
        for contender, colour in zip(contenders, COLOURS):
            line = [(row['x'], median(row, contender, metric['name'])) for row in points]
            line = [(x, y) for x, y in line if y]
            if line:
                axes.plot(*zip(*line), marker='o', markersize=3, color=colour, label=contender)
        axes.set_xscale('log')
        axes.set_yscale('log')
        axes.set_xticks([row['x'] for row in points])
        axes.minorticks_off()
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticker.FuncFormatter(lambda value, position: '{:,g}'.format(value)))
        axes.set_title(name, fontsize=10)
        axes.set_ylabel('%s, %s' % (metric['name'], metric['unit']), fontsize=8)
        axes.tick_params(labelsize=8)
        axes.legend(fontsize=7)
        axes.grid(True, linewidth=0.3)
    figure.tight_layout()
    save(figure, folder, 'growth')


def main():
    results, folder = map(pathlib.Path, sys.argv[1:])
    rows = json.loads(results.read_text(encoding='utf-8'))['rows']
    peers(rows, folder)
    growth(rows, folder)


if __name__ == '__main__':
    main()
