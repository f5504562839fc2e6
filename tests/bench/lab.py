"""The ground a run stands on: images, fresh file systems, and the stopwatch.

Everything is mounted in a mount namespace of our own (`run` makes it) and every
image is deleted as soon as it is open: whatever ends the benchmark, nothing
stays behind but an empty directory.
"""

import os
import shutil
import subprocess
import tempfile

MIB = 1 << 20


class Failed(Exception):
    """A command of the benchmark did not do what it should."""


def call(*argv, **how):
    """Runs a tool of the system; its output, or Failed with what it said."""
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors='replace', **how)
    if done.returncode:
        raise Failed('%s: status %d: %s' % (
            ' '.join(map(str, argv))[:80], done.returncode,
            ' '.join(done.stderr.split())[:200]))
    return done.stdout


MKFS = {
    # No discards, which would give back the image's memory; no work put off
    # until after the mount, which would go on beside what is measured.
    'ext4': ['mkfs.ext4', '-q', '-F', '-m', '0', '-E',
             'nodiscard,lazy_itable_init=0,lazy_journal_init=0'],
    'xfs': ['mkfs.xfs', '-q', '-f', '-K'],
    'btrfs': ['mkfs.btrfs', '-q', '-f', '-K'],
}
MOUNT = {'btrfs': ['-o', 'nodiscard']}


class Image:
    """A file that loop devices are made of: there to the last byte, nameless.

    `direct`: on a disk, where the loop device goes past the page cache.
    """

    def __init__(self, directory, size, direct):
        self.direct = direct
        self.size = size = -(-size // MIB) * MIB
        fd, name = tempfile.mkstemp(prefix='image.', dir=directory)
        try:
            os.posix_fallocate(fd, 0, size)
            zeros = bytes(4 * MIB)
            for at in range(0, size, len(zeros)):
                os.pwrite(fd, zeros[:size - at], at)
            if direct:
                os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.unlink(name)
        self.fd = fd

    def attach(self):
        """A loop device; the caller detaches it, or mounts it first."""
        argv = ['losetup', '--find', '--show']
        if self.direct:
            argv.append('--direct-io=on')
        argv.append('/proc/%d/fd/%d' % (os.getpid(), self.fd))
        return call(*argv).strip()

    def close(self):
        os.close(self.fd)


class Lab:
    """A scratch directory with two places for file systems: m and d."""

    def __init__(self, disk):
        """Images in memory are put in a tmpfs of our own, others in `disk`."""
        self.top = tempfile.mkdtemp(prefix='mcp-bench.')
        self.disk = disk
        self.images = {}
        self.mounted = []
        call('mount', '-t', 'tmpfs', '-o', 'size=90%,nr_inodes=0', 'images',
             self.top)
        for name in ('m', 'd', 'images'):
            os.mkdir(os.path.join(self.top, name))

    def path(self, *names):
        return os.path.join(self.top, *names)

    def image(self, place, size, on_disk):
        """That of a place, made anew where it is too small."""
        key = (place, on_disk)
        image = self.images.get(key)
        if image and image.size < size:
            image.close()
            image = None
        if not image:
            where = self.disk if on_disk else self.path('images')
            image = self.images[key] = Image(where, size, on_disk)
        return image

    def forget_images(self):
        for image in self.images.values():
            image.close()
        self.images = {}

    def mount(self, place, fs, size, inodes=0, on_disk=False, clone=False):
        """A fresh file system on one of the places.

        XFS clones only if `clone`: else it is copying that is measured. btrfs
        always can, and each copier has to be told.
        """
        where = self.path(place)
        self.unmount(place)
        if fs == 'tmpfs':
            call('mount', '-t', 'tmpfs', '-o', 'size=90%,nr_inodes=0', 'bench',
                 where)
            self.mounted.append(place)
            return
        argv = list(MKFS[fs])
        if fs == 'xfs':
            argv += ['-m', 'reflink=%d' % clone]
        if fs == 'ext4' and inodes:
            argv += ['-N', str(inodes)]
        device = self.image(place, size, on_disk).attach()
        try:
            call(*argv, device)
            self.attach(place, fs, device)
        finally:
            # Mounted, it goes with the mount; else at once.
            call('losetup', '-d', device)

    def attach(self, place, fs, device):
        call('mount', '-t', fs, *MOUNT.get(fs, []), device, self.path(place))
        self.mounted.append(place)

    def remount_cold(self, place, fs, on_disk):
        """The same file system with nothing of it in the page cache."""
        image = self.images[place, on_disk]
        self.unmount(place)
        device = image.attach()
        try:
            self.attach(place, fs, device)
        finally:
            call('losetup', '-d', device)

    def unmount(self, place):
        if place in self.mounted:
            call('umount', self.path(place))
            self.mounted.remove(place)

    def sync(self):
        for place in self.mounted:
            call('sync', '-f', self.path(place))

    def close(self):
        for place in list(self.mounted):
            self.unmount(place)
        self.forget_images()
        call('umount', '-l', self.top)
        shutil.rmtree(self.top, ignore_errors=True)


def stopwatch(bench_bin, command, cwd, repeat=1, sync=None, limit=600):
    """Runs it; what it cost, as a dict of numbers: see stopwatch.c."""
    argv = [os.path.join(bench_bin, 'stopwatch'), '--repeat=%d' % repeat]
    if sync:
        argv.append('--syncfs=' + sync)
    with subprocess.Popen(argv + command, cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True, text=True,
                          errors='replace') as process:
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            raise Failed('took more than %d s' % limit) from None
    if process.returncode or 'left behind' in err:
        raise Failed('status %d: %s' % (process.returncode,
                                        ' '.join(err.split())[:160]))
    return {key: float(value) for key, value in
            (field.split('=') for field in out.split())}
