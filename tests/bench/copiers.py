"""The copiers, and how each is asked for the same thing.

A command is a list of words, run where `m` and `d` are the file systems. A
copier that has no way to do what is asked gives None.
"""

import os
import shlex
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def pipe(src_dir, name, dst, flags=''):
    """tar to tar; sh gives the status of the second."""
    quote = shlex.quote
    return ['sh', '-c', 'mkdir -p %s && tar -C %s -cf - %s | tar -C %s -x%sf -'
            % (quote(dst), quote(src_dir), quote(name), quote(dst), flags)]


class Copier:
    """One that has cp's command line."""

    can_refuse_clones = True    # by --reflink=never
    never_clones = False
    archives = True             # has cp's -a
    holes = True                # keeps holes without being told

    def __init__(self, name, path, version='', options=()):
        self.name = name
        self.path = path
        self.version = version
        self.options = list(options)

    def start(self, clone):
        argv = [self.path] + self.options
        if not clone and self.can_refuse_clones and not self.never_clones:
            argv.append('--reflink=never')
        return argv

    def usable(self, clone):
        return clone or self.can_refuse_clones or self.never_clones

    def file(self, src, dst, clone):
        """One file, to a name that is new."""
        return self.start(clone) + [src, dst]

    def tree(self, src, dst, clone):
        """A directory with what is in it, attributes as they come."""
        return self.start(clone) + ['-r', src, dst]

    def archive(self, src, dst, clone):
        """The same with all attributes."""
        return self.start(clone) + ['-a', src, dst] if self.archives else None


class Rsync(Copier):
    never_clones = True
    holes = False               # but with -S, by looking for zeros

    def file(self, src, dst, clone):
        return [self.path, src, dst]

    def tree(self, src, dst, clone):
        return None

    def archive(self, src, dst, clone):
        return [self.path, '-aHAX', src + '/', dst]


class Tar(Copier):
    never_clones = True
    holes = False               # but with -S

    def file(self, src, dst, clone):
        """The copy is dst/NAME."""
        return pipe(os.path.dirname(src), os.path.basename(src), dst)

    def tree(self, src, dst, clone):
        return None

    def archive(self, src, dst, clone):
        return pipe(src, '.', dst, 'p')


class Xcp(Copier):
    """Shows a bar unless told; keeps modes and times always. Its own
    --reflink=never leaves copy_file_range, in which btrfs clones."""

    can_refuse_clones = False
    archives = False

    def start(self, clone):
        return [self.path, '--no-progress']

    def file(self, src, dst, clone):
        # Its way for big files: blocks of one file side by side.
        return self.start(clone) + ['--driver', 'parblock', src, dst]


class Plain(Copier):
    """Two operands and no options; copy_file_range, which may clone."""

    can_refuse_clones = False
    archives = False
    holes = False

    def start(self, clone):
        return [self.path]

    def tree(self, src, dst, clone):
        return [self.path, src, dst]


class Pcp(Plain):
    never_clones = True

    def tree(self, src, dst, clone):
        return None


class Wcp(Plain):
    never_clones = True


CLASSES = {'cp': Copier, 'rsync': Rsync, 'tar': Tar, 'xcp': Xcp, 'fcp': Plain,
           'cpz': Plain, 'pcp': Pcp, 'wcp': Wcp}


def find(mcp, base, only):
    """The copiers that are here, mcp first, and {name: why} of the others."""
    version = subprocess.run([mcp, '--version'], stdout=subprocess.PIPE,
                             text=True, check=True).stdout.split()[1]
    found, absent = [Copier('mcp', mcp, version)], {}
    if base:
        found.append(Copier('base', base))
    peers = subprocess.run([os.path.join(HERE, 'peers'), 'list'], text=True,
                           stdout=subprocess.PIPE, check=True).stdout
    for line in peers.splitlines():
        name, path, rest = line.split(' ', 2)
        if path == '-':
            absent[name] = rest
        elif only and name not in only:
            absent[name] = 'not asked for'
        else:
            found.append(CLASSES[name](name, path, rest))
    return found, absent
