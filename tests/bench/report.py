"""Numbers into tables, the targets, a JSON file and a chart.

A result is what `run` writes as JSON:
{"machine": {...}, "notes": [...], "copiers": {name: version}, "absent":
{name: why}, "memory_copy": seconds for a GiB, "cases": [case...]}, where a case
is {"name", "setting", "title", "amount", "unit", "runs": {label: [cost...]},
"failed": {label: why}, "sync", "order": [label...]}, and a cost is what
stopwatch.c prints. Times are seconds for one copy.
"""

import statistics
import subprocess

GIB = 1 << 30


def median(values):
    return statistics.median(values)


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    q = statistics.quantiles(values, n=4, method='inclusive')
    return q[0], q[2]


class Results:
    """Access to one or more results by case and copier."""

    def __init__(self, result):
        self.result = result
        self.cases = {'%s %s' % (c['name'], c['setting']): c
                      for c in result['cases']}

    def time(self, case, label, field='wall'):
        """The median, or None."""
        runs = self.cases.get(case, {}).get('runs', {}).get(label)
        return median([r[field] for r in runs]) if runs else None

    def ratios(self, case, label, field='wall', to='mcp'):
        """Round by round, cost of LABEL divided by cost of TO."""
        runs = self.cases[case]['runs']
        pairs = zip(runs.get(label, ()), runs.get(to, ()))
        return [a[field] / b[field] for a, b in pairs if b[field]]

    def ratio(self, case, label, field='wall', to='mcp'):
        """Of the medians, with the quartiles of the rounds; or None."""
        a = self.time(case, label, field)
        b = self.time(case, to, field)
        if a is None or not b:
            return None
        return (a / b, *quartiles(self.ratios(case, label, field, to)))

    def peers(self, case, field='wall'):
        """The peers of mcp that finished, the fastest first."""
        runs = self.cases.get(case, {}).get('runs', {})
        names = [l for l in runs if l in self.result['copiers']
                 and l not in ('mcp', 'base')]
        return sorted(names, key=lambda l: self.time(case, l, field))


# ---------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------

def seconds(t):
    if t < 0.01:
        return '%.2f ms' % (t * 1e3)
    if t < 1:
        return '%.0f ms' % (t * 1e3)
    return '%.2f s' % t


def speed(case, t):
    if case['unit'] == 'GiB':
        return '%.2f GiB/s' % (case['amount'] / t)
    if case['amount'] == 1:
        return ''
    return '%.0f k/s' % (case['amount'] / t / 1e3)


def table(results, key):
    """One case as lines of text."""
    case = results.cases[key]
    rounds = max((len(r) for r in case['runs'].values()), default=0)
    lines = ['', '%s, %s: %s; median of %d' % (case['name'], case['setting'],
                                               case['title'], rounds)]
    head = '  %-20s %9s %11s %20s' % ('', 'time', '', 'time / mcp')
    if case['sync']:
        head += ' %9s %19s' % ('to disk', 'to disk / mcp')
    lines.append(head + ' %7s %7s %7s' % ('user s', 'sys s', 'MiB'))
    for label in case['order']:
        if label not in case['runs']:
            continue
        t = results.time(key, label)
        line = '  %-20s %9s %11s %20s' % (label, seconds(t), speed(case, t),
                                          spread(results.ratio(key, label)))
        if case['sync']:
            line += ' %9s %19s' % (
                seconds(results.time(key, label, 'synced')),
                spread(results.ratio(key, label, 'synced')))
        lines.append(line + ' %7.3f %7.3f %7.1f' % (
            results.time(key, label, 'user'), results.time(key, label, 'sys'),
            results.time(key, label, 'maxrss') / 1024))
    for label, why in case['failed'].items():
        lines.append('  %-20s %s' % (label, why))
    for note in case.get('notes', ()):
        lines.append('  ' + note)
    return lines


def spread(ratio):
    return '%.2f (%.2f-%.2f)' % ratio if ratio else '-'


# ---------------------------------------------------------------------------
# Targets
# ---------------------------------------------------------------------------

def targets(results):
    """(group, what, wanted, reached, met) for whatever was measured; `reached`
    is (ratio, low, high)."""
    found = []

    def want(group, what, sign, limit, ratio):
        if ratio:
            met = ratio[0] >= limit if sign == '>=' else ratio[0] <= limit
            found.append((group, what, '%s %.2f' % (sign, limit), ratio, met))

    def faster(group, case, label, limit, field='wall', to='mcp'):
        want(group, '%s: %s / %s%s' % (case, label, to,
                                       ', to disk' if field != 'wall' else ''),
             '>=', limit, results.ratio(case, label, field, to)
             if case in results.cases else None)

    def fastest(group, case, limit, field='wall', but=()):
        peers = [p for p in results.peers(case, field) if p not in but]
        if peers:
            faster(group, case, peers[0], limit, field)

    def ceiling(case):
        both = [l for l in ('ceiling write', 'ceiling map')
                if results.time(case, l)]
        if both and results.time(case, 'mcp'):
            best = min(both, key=lambda l: results.time(case, l))
            faster(1, case, best, 0.8)

    for fs, limit in (('ext4', 2.2), ('xfs', 1.9), ('btrfs', 1.4),
                      ('tmpfs', 1.35)):
        faster(1, 'big ' + fs, 'cp', limit)
        fastest(1, 'big ' + fs, 1.2)
        if fs == 'btrfs':
            fastest(1, 'big btrfs-btrfs', 1.2)
    for fs in 'ext4', 'xfs':
        faster(1, 'big ' + fs, 'cp', 1.3, to='mcp -j1')
        ceiling('big ' + fs)
    for fs in 'ext4', 'xfs', 'btrfs':
        faster(2, 'big ' + fs, 'cp', 0.95, 'synced')
    for fs in 'ext4', 'xfs':
        faster(2, 'cold %s disk' % fs, 'cp', 0.95)
        faster(2, 'cold %s disk' % fs, 'cp', 0.95, 'synced')
    for fs, limit in (('ext4', 2.0), ('xfs', 2.0), ('ext4-tmpfs', 3.5)):
        faster(3, 'tree ' + fs, 'cp', limit)
    for fs in 'ext4', 'xfs', 'btrfs', 'tmpfs', 'ext4-tmpfs':
        faster(3, 'archive ' + fs, 'cp', 1.8)
        fastest(3, 'archive ' + fs, 1.15, but=('cp',))
        fastest(3, 'tree ' + fs, 1.15, but=('cp',))
    for fs in 'ext4', 'xfs', 'tmpfs':
        fastest(4, 'flat ' + fs, 1.3)
    for fs in 'ext4', 'xfs':
        fastest(4, 'deep ' + fs, 1.3)
    for fs, limit in (('ext4', 2.2), ('xfs', 1.9), ('btrfs', 1.4),
                      ('tmpfs', 1.35)):
        faster(4, 'many ' + fs, 'cp', limit)
        fastest(4, 'many ' + fs, 1.2)
    for case, limit in (('start', 1.1), ('sparse', 1.05), ('clone', 1.05)):
        for key in results.cases:
            if key.startswith(case + ' ') and results.time(key, 'cp'):
                want(5, key + ': mcp / cp', '<=', limit,
                     results.ratio(key, 'mcp', to='cp'))
    for group in 'files', 'size', 'disk':
        flat_costs(results, group, want)
    for key, case in results.cases.items():
        if case['name'] in ('tree', 'archive') and results.time(key, 'cp'):
            want(7, key + ': CPU of mcp / cp', '<=', 1.1, cpu(results, key))
    return found


def costs(results, key, field):
    case = results.cases[key]
    return [(r[field] if field != 'cpu' else r['user'] + r['sys'])
            / case['amount'] for r in case['runs'].get('mcp', ())]


def flat_costs(results, group, want):
    """The cost of a file, or byte, against that in the smallest of its kind."""
    keys = sorted((k for k, c in results.cases.items()
                   if c['name'].startswith(group + '-')
                   and c['runs'].get('mcp')),
                  key=lambda k: results.cases[k]['amount'])
    for key in keys[1:]:
        for field in ('wall', 'cpu'):
            first = median(costs(results, keys[0], field))
            here = [c / first for c in costs(results, key, field)]
            want(6, '%s: %s of one, against %s' % (
                key, 'time' if field == 'wall' else 'CPU', keys[0]),
                 '<=', 1.1, (median(here), *quartiles(here)))


def cpu(results, key):
    runs = results.cases[key]['runs']

    def total(label):
        return [r['user'] + r['sys'] for r in runs.get(label, ())]
    if not total('mcp') or not total('cp'):
        return None
    rounds = [a / b for a, b in zip(total('mcp'), total('cp'))]
    return (median(total('mcp')) / median(total('cp')), *quartiles(rounds))


def head(result):
    """What was measured, and where."""
    lines = ['%s: %s' % item for item in result['machine'].items()]
    lines += result['notes']
    lines.append('measured: ' + ', '.join('%s %s' % c for c in
                                          result['copiers'].items()))
    for name, why in result['absent'].items():
        lines.append('absent: %s (%s)' % (name, why))
    copying = {int(n): t for n, t in result.get('memory_copy', {}).items()}
    for n, t in copying.items():
        lines.append('ceiling: %d copying memory at once: %.1f GiB/s'
                     % (n, 1 / t))
        # A guest does not see what its host has for others meanwhile.
        if 1 in copying and copying[1] / t < 0.75 * n:
            lines.append('THE PROCESSORS ARE NOT ALL THERE: %d do the work of '
                         '%.1f' % (n, copying[1] / t))
    lines.append('time / mcp: medians divided, with the quartiles of the '
                 'rounds; MiB: the largest process')
    return lines


def tail(result):
    """What was not measured, and how the rest does."""
    lines = ['']
    for case, why in result['skipped'].items():
        lines.append('%s: not measured: %s' % (case, why))
    found = targets(Results(result))
    if found:
        lines += ['Targets (quartiles of the rounds in brackets)']
    for group, what, wanted, ratio, met in found:
        lines.append('  %d %-60s %8s  %-18s %s' % (
            group, what, wanted, spread(ratio), 'yes' if met else 'NO'))
    return lines


def text(result):
    """All of it, for people."""
    results = Results(result)
    lines = head(result)
    for key in results.cases:
        lines += table(results, key)
    return '\n'.join(lines + tail(result)) + '\n'


# ---------------------------------------------------------------------------
# The chart
# ---------------------------------------------------------------------------

CHART = (('big ext4', '1 GiB\\next4'), ('big xfs', '1 GiB\\nXFS'),
         ('big btrfs-btrfs', '1 GiB\\nbtrfs'), ('big tmpfs', '1 GiB\\ntmpfs'),
         ('many ext4', '20 files\\next4'), ('tree ext4', 'tree\\next4'),
         ('tree xfs', 'tree\\nXFS'), ('tree ext4-tmpfs', 'tree\\next4-tmpfs'),
         ('archive ext4', 'tree, -a\\next4'), ('flat ext4', 'flat\\next4'))
COLOURS = {'mcp': '#c0392b', 'cp': '#7f8c8d', 'xcp': '#2980b9',
           'fcp': '#27ae60', 'cpz': '#8e44ad', 'rsync': '#e67e22',
           'tar': '#b7950b', 'pcp': '#16a085', 'wcp': '#2c3e50'}


def chart(result, path):
    """Speed by copier with cp as 1, as SVG; needs gnuplot. False without."""
    results = Results(result)
    shown = [(k, t) for k, t in CHART if results.time(k, 'cp')
             and results.time(k, 'mcp')]
    names = [n for n in COLOURS if any(results.time(k, n) for k, _ in shown)]
    if not shown:
        return False
    rows = []
    for key, title in shown:
        base = results.time(key, 'cp')
        row = ['"%s"' % title]
        for n in names:
            t = results.time(key, n)
            row.append('%.3f' % (base / t) if t else 'NaN')
        rows.append(' '.join(row))
    script = [
        'set terminal svg size 960,420 dynamic enhanced font "sans-serif,12" '
        'background "white"',
        'set output "%s"' % path,
        'set title "Speed of copying, cp = 1 (more is better)"',
        'set style data histograms',
        'set style histogram clustered gap 1.2',
        'set style fill solid 0.9 noborder',
        'set boxwidth 0.95',
        'set grid ytics lc rgb "#dddddd"',
        'set bmargin 3.5', 'set border 3',
        'set xtics nomirror scale 0', 'set ytics nomirror',
        'set yrange [0:*]', 'set key outside right top',
        '$data << EOD'] + rows + ['EOD']
    script.append('plot ' + ', '.join(
        '$data using %d%s title "%s" lc rgb "%s"' % (
            i + 2, ':xtic(1)' if i == 0 else '', n, COLOURS[n])
        for i, n in enumerate(names)))
    try:
        subprocess.run(['gnuplot'], input='\n'.join(script), text=True,
                       check=True)
    except FileNotFoundError:
        return False
    return True
