"""What is measured: the table of cases, and how one run of each goes.

A case has a name, by which BENCH_CASES selects it, and a setting, the file
systems it happens on ("ext4", or "ext4-tmpfs" from one to another). Sources are
`m/src`, copies `m/out` or `d/out`.
"""

import os
import shlex
import shutil
import subprocess

from lab import MIB, Failed, call, stopwatch

GIB = 1 << 30
KEEP = ['--no-blocks']                      # what -a has to keep
PLAIN = KEEP + ['--no-times']               # what -r has to keep


class Case:
    """One row of the table, with defaults for what few cases set."""

    def __init__(self, name, setting, title, source, kind, amount, unit,
                 **more):
        self.name = name
        self.setting = setting
        self.src_fs, _, dst_fs = setting.replace(' disk', '').partition('-')
        self.dst_fs = dst_fs or self.src_fs
        self.title = title
        self.source = source        # function(env, directory to be made)
        self.kind = kind            # file, tree, archive or stream
        self.amount = amount        # of one copy, in
        self.unit = unit            # GiB, or files
        self.size = more.pop('size')            # bytes that an image has
        self.inodes = more.pop('inodes', 0)
        self.clone = more.pop('clone', False)
        self.on_disk = more.pop('on_disk', False)
        self.cold = more.pop('cold', False)
        self.sync = more.pop('sync', False)     # report that time too
        self.repeat = more.pop('repeat', 1)     # copies in one run
        self.runs = more.pop('runs', None)      # at most so many
        self.only = more.pop('only', None)      # these copiers
        self.but = more.pop('but', ())          # not these
        self.holes = more.pop('holes', False)   # only copiers that keep them
        self.workers = more.pop('workers', ())  # mcp with these, besides
        self.ceilings = more.pop('ceilings', ())
        self.variants = more.pop('variants', ())    # mcp with these, besides
        self.same = more.pop('same', PLAIN)
        self.memory = more.pop('memory', 0)     # bytes of cache besides images
        assert not more, more

    @property
    def key(self):
        return '%s %s' % (self.name, self.setting)

    @property
    def two(self):
        """From one file system to another?"""
        return '-' in self.setting

    @property
    def dst_place(self):
        return 'd' if self.two else 'm'


# ---------------------------------------------------------------------------
# Sources
# ---------------------------------------------------------------------------

def bigtree(**options):
    """A source that the tests' own maker of trees makes."""
    argv = ['--%s=%s' % item for item in options.items()]

    def make(env, where):
        call(os.path.join(env.helpers, 'bigtree'), '--seed=%d' % env.seed,
             *argv, where)
    return make


def one_file(size):
    """where/file0"""
    return bigtree(files=1, size=size)


def chain(depth):
    """Names of one letter: the path of the last is within PATH_MAX, which is
    as deep as a copier gets that goes by paths."""
    def make(env, where):
        os.mkdir(where)
        here = os.open(where, os.O_RDONLY)
        for _ in range(depth):
            fd = os.open('f', os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=here)
            os.write(fd, b'ten bytes\n')
            os.close(fd)
            os.mkdir('d', 0o755, dir_fd=here)
            down = os.open('d', os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = down
        os.close(here)
    return make


def sparse(size, piece, every):
    """PIECE bytes of data in each EVERY, the rest holes."""
    def make(env, where):
        os.mkdir(where)
        data = os.urandom(piece)
        with open(os.path.join(where, 'file0'), 'wb') as f:
            os.truncate(f.fileno(), size)
            for at in range(0, size, every):
                os.pwrite(f.fileno(), data, at)
    return make


# ---------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------

def table(scale):
    """All cases, in the order in which they are done; `scale` makes all sizes
    smaller, to try the benchmark itself."""
    def n(number):
        return max(int(number * scale), 20)

    def b(size):
        return max(int(size * scale) // MIB * MIB, MIB)

    def image(need):
        return max(int(need), 512 * MIB)

    cases = []

    def add(*args, **more):
        cases.append(Case(*args, **more))

    big = b(GIB)
    for setting in 'ext4', 'xfs', 'btrfs', 'btrfs-btrfs', 'tmpfs':
        add('big', setting, 'one file of %d MiB, in cache' % (big // MIB),
            one_file(big), 'file', big / GIB, 'GiB',
            size=image(2.2 * big + 700 * MIB), memory=2 * big,
            clone=setting == 'btrfs-btrfs', sync=setting != 'tmpfs',
            workers=(1,) if setting in ('ext4', 'xfs') else (),
            ceilings=('write', 'map') if '-' not in setting else ())

    for setting in 'ext4 disk', 'xfs disk':
        add('cold', setting, 'one file of %d MiB, not in cache' % (big // MIB),
            one_file(big), 'file', big / GIB, 'GiB',
            size=image(2.2 * big + 700 * MIB), memory=2 * big,
            on_disk=True, cold=True, sync=True)

    files, dirs = n(60000), n(1200)
    tree = bigtree(files=files, dirs=dirs, lognormal='3500,1.6')
    for kind in 'tree', 'archive':
        for setting in 'ext4', 'xfs', 'btrfs', 'tmpfs', 'ext4-tmpfs':
            add(kind, setting, '%d files, lognormal sizes, in %d directories, '
                '%s' % (files, dirs, '-r' if kind == 'tree' else '-a'),
                tree, kind, files, 'files', size=image(3.2 * GIB * scale),
                inodes=3 * (files + dirs) + 1000, memory=int(2 * GIB * scale),
                same=PLAIN if kind == 'tree' else KEEP)

    flat = n(100000)
    for setting in 'ext4', 'xfs', 'tmpfs':
        add('flat', setting, '%d empty files in one directory' % flat,
            bigtree(files=flat), 'tree', flat, 'files',
            size=image(3 * GIB * scale), inodes=3 * flat + 1000,
            ceilings=('create', 'create-apart'), memory=int(GIB * scale))

    deep = min(n(2000), 2000)
    for setting in 'ext4', 'xfs':
        add('deep', setting, 'a chain of %d directories, a file in each, '
            '10 times' % deep, chain(deep), 'tree', deep, 'files',
            repeat=10, size=image(GIB), inodes=24 * deep + 1000)

    each = b(64 * MIB)
    for setting in 'ext4', 'xfs', 'btrfs', 'tmpfs':
        add('many', setting, '20 files of %d MiB, in cache' % (each // MIB),
            bigtree(files=20, size=each, max=each), 'tree', 20 * each / GIB,
            'GiB', size=image(2.2 * 20 * each + 700 * MIB),
            memory=40 * each)

    for setting in 'ext4', 'tmpfs':
        add('start', setting, 'a file of 10 bytes, 500 times', one_file(10),
            'file', 1, 'files', repeat=500, size=image(0), inodes=2000,
            but=('rsync', 'tar'))

    hollow = b(16 * GIB)
    for setting in 'ext4', 'xfs', 'tmpfs':
        add('sparse', setting, 'a file of %d MiB with 1 %% data'
            % (hollow // MIB), sparse(hollow, MIB, 100 * MIB), 'file', 1,
            'files', holes=True, size=image(GIB),
            # XFS may keep some room beyond what was written.
            same=['--no-times', '--slack=%d' % (hollow // 20)])
    for setting in 'btrfs', 'xfs':
        add('clone', setting, 'a file of %d MiB, cloned 50 times'
            % (big // MIB), one_file(big), 'file', 1, 'files', clone=True,
            repeat=50, only=('mcp', 'base', 'cp'), memory=big,
            size=image(1.2 * big + 700 * MIB))

    for count, runs in ((10000, None), (100000, None), (1000000, 3)):
        count = n(count)
        add('files-%d' % count, 'ext4', '%d empty files, 50 in a directory'
            % count, bigtree(files=count, dirs=max(count // 50, 1)), 'tree',
            count, 'files', only=('mcp', 'base', 'cp'), runs=runs,
            inodes=3 * count, memory=4096 * count,
            size=image(2000 * count + 300 * MIB))
    for size, runs in ((GIB, None), (4 * GIB, 5)):
        size = b(size)
        add('size-%d' % (size // MIB), 'tmpfs', 'one file of %d MiB, in cache'
            % (size // MIB), one_file(size), 'file', size / GIB, 'GiB',
            only=('mcp', 'base', 'cp'), runs=runs, memory=2 * size, size=0)
    for size, runs in ((GIB, None), (4 * GIB, 3), (16 * GIB, 3)):
        size = b(size)
        add('disk-%d' % (size // MIB), 'ext4 disk', 'one file of %d MiB, not '
            'in cache' % (size // MIB), one_file(size), 'file', size / GIB,
            'GiB', only=('mcp', 'base', 'cp'), runs=runs, cold=True,
            on_disk=True, sync=True, size=image(2.1 * size + 700 * MIB))

    for setting in 'tmpfs', 'ext4':
        for name, end in ('stream', 'file'), ('stream-null', '/dev/null'):
            add(name, setting, 'a file of %d MiB into a FIFO, and out of it to '
                % (big // MIB) + ('a ' + end if end == 'file' else end),
                one_file(big), 'stream', big / GIB, 'GiB',
                size=image(2.2 * big + 700 * MIB), memory=2 * big)

    behind = ('--dirty-bytes=64M', '--cache=drop')
    for setting in 'ext4 disk', 'xfs disk':
        add('cache', setting, 'one file of %d MiB, written back behind'
            % (big // MIB), one_file(big), 'file', big / GIB, 'GiB',
            only=('mcp', 'base', 'cp'), variants=behind, on_disk=True,
            sync=True, size=image(2.2 * big + 700 * MIB), memory=2 * big)
        add('cache-tree', setting, '%d files, -r, written back behind' % files,
            tree, 'tree', files, 'files', only=('mcp', 'base', 'cp'),
            variants=behind, on_disk=True, sync=True,
            size=image(3.2 * GIB * scale), inodes=3 * (files + dirs) + 1000,
            memory=int(2 * GIB * scale))

    for name, source, kind, amount, unit in (
            ('workers-big', one_file(big), 'file', big / GIB, 'GiB'),
            ('workers-tree', tree, 'tree', files, 'files')):
        add(name, 'ext4', 'one file of %d MiB' % (big // MIB)
            if kind == 'file' else '%d files, -r' % files, source, kind,
            amount, unit, only=('mcp', 'cp'), workers=(1, 2, 4, 8),
            size=image(max(2.2 * big, 3.2 * GIB * scale) + 700 * MIB),
            inodes=3 * (files + dirs) + 1000, memory=2 * big)
    return cases


# ---------------------------------------------------------------------------
# A run
# ---------------------------------------------------------------------------

def pipelines(case, env):
    """As commands: two programs, and a FIFO between them."""
    src, out = 'm/src/file0', 'm/out'
    taking, not_taking = {}, {}

    def add(label, writer, reader):
        for program in writer, reader:
            name = shlex.split(program)[0]
            if not shutil.which(name):
                not_taking[label] = '%s is not installed' % name
                return
        taking[label] = [
            'sh', '-c', 'rm -f fifo && mkfifo fifo || exit; '
            '%s & %s || exit; wait $! || exit; rm fifo'
            % (writer.format(src=src, fifo='fifo'),
               reader.format(fifo='fifo', out=out))]

    for c in env.copiers:
        if c.name not in ('mcp', 'base'):
            continue
        path = shlex.quote(c.path)
        if case.name == 'stream-null':
            add(c.name, path + ' {src} {fifo}', 'cat {fifo} >/dev/null')
            continue
        add(c.name, path + ' {src} {fifo}', path + ' {fifo} {out}')
        add(c.name + ' --hand-over=no', path + ' --hand-over=no {src} {fifo}',
            path + ' {fifo} {out}')
    if case.name == 'stream-null':
        add('cat', 'cat {src} >{fifo}', 'cat {fifo} >/dev/null')
        add('pv', 'pv -q {src} >{fifo}', 'cat {fifo} >/dev/null')
    else:
        add('cat|cat', 'cat {src} >{fifo}', 'cat {fifo} >{out}')
        add('pv|pv', 'pv -q {src} >{fifo}', 'pv -q {fifo} >{out}')
        add('pv|mbuffer', 'pv -q {src} >{fifo}',
            'mbuffer -q -i {fifo} -o {out}')
    return taking, not_taking


def commands(case, env):
    """{label: command} for all who take part, and {label: why not}."""
    if case.kind == 'stream':
        return pipelines(case, env)
    src, out = 'm/src', case.dst_place + '/out'
    if case.kind == 'file':
        src += '/file0'
    taking, not_taking = {}, {}
    # Elsewhere --reflink=never would keep cp from copy_file_range for nothing.
    clone = case.clone or case.dst_fs != 'btrfs'
    for c in env.copiers:
        why = None
        if case.only and c.name not in case.only or c.name in case.but:
            continue
        if not c.usable(clone):
            why = 'cannot be told not to clone'
        elif case.holes and not c.holes:
            why = 'fills holes'
        if why:
            not_taking[c.name] = why
            continue
        dst = out + ('{n}' if case.repeat > 1 else '')
        command = getattr(c, case.kind)(src, dst, clone)
        if command:
            taking[c.name] = command
        if command and c.name in ('mcp', 'base'):
            for w in case.workers:
                taking['%s -j%d' % (c.name, w)] = \
                    command[:1] + ['-j%d' % w] + command[1:]
            for option in case.variants if c.name == 'mcp' else ():
                taking['mcp ' + option.lstrip('-')] = \
                    command[:1] + [option] + command[1:]
    amount = int(case.amount * (GIB if case.unit == 'GiB' else 1))
    for what in case.ceilings:
        taking['ceiling ' + what] = [os.path.join(env.bin, 'ceiling'), what,
                                     str(env.cpus), str(amount), out]
    return taking, not_taking


def prepare(case, env):
    """A fresh file system with the source in it, and nothing left to do."""
    lab = env.lab
    inodes = case.inodes
    if not (case.dst_place == 'd' and 'm' in lab.mounted and
            env.source_of is case):
        lab.unmount('m')
        lab.unmount('d')
        lab.mount('m', case.src_fs, case.size, inodes, case.on_disk,
                  case.clone)
        case.source(env, lab.path('m', 'src'))
        env.source_of = case
    if case.dst_place == 'd':
        lab.mount('d', case.dst_fs, case.size, inodes, case.on_disk,
                  case.clone)
    lab.sync()
    if case.cold:
        lab.remount_cold('m', case.src_fs, case.on_disk)


# What these do not keep of times, with the options that they have here.
LENIENT = {'rsync': ['--no-dir-times'], 'tar': ['--no-times']}


def check(case, env, label):
    """Failed, unless each copy is identical."""
    if label.startswith('ceiling') or case.name == 'stream-null':
        return
    flags = case.same + LENIENT.get(label, [])
    src = env.lab.path('m', 'src')
    if case.kind in ('file', 'stream'):
        src += '/file0'
    for i in sorted({0, case.repeat - 1}):
        out = env.lab.path(case.dst_place, 'out')
        if case.repeat > 1:
            out += str(i)
        if case.kind == 'file' and label == 'tar':
            out += '/file0'
        done = subprocess.run([os.path.join(env.helpers, 'treecmp'),
                               *flags, src, out], text=True,
                              stdin=subprocess.DEVNULL, errors='replace',
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Failed('copy is not identical: '
                         + ' '.join(done.stdout.split())[:160])


def run_once(case, env, label, command):
    """What one copy cost."""
    lab = env.lab
    prepare(case, env)
    # The program itself is in memory, however cold its source is.
    if os.access(command[0], os.X_OK):
        with open(command[0], 'rb') as f:
            while f.read(MIB):
                pass
    # A virtual machine's memory costs its host time when it is first used, and
    # what is free for seconds may go back to the host.
    call(os.path.join(env.bin, 'ceiling'), 'touch', str(env.touch))
    cost = stopwatch(env.bin, command, lab.top, case.repeat,
                     lab.path(case.dst_place) if case.sync else None)
    check(case, env, label)
    for key in 'wall', 'synced', 'user', 'sys', 'machine':
        cost[key] /= case.repeat
    return cost
