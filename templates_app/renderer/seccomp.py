"""The system calls a child may make: an allow-list. All others "do not exist", and the dangerous ones kill."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import importlib.util
import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyseccomp import SyscallFilter

# Measured: what both engines, Pillow, fontconfig and Python need, with the *at forms other architectures use instead.
_ALLOWED = """
read readv write writev pread64 lseek close dup dup2 dup3 fcntl fadvise64
open openat stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd
fstatfs statfs mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 ftruncate
mmap munmap mremap mprotect madvise brk
futex set_robust_list rseq sched_yield sched_getaffinity membarrier exit exit_group restart_syscall
rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage poll ppoll select pselect6
getpid getppid gettid getuid geteuid getgid getegid uname sysinfo getrandom getcpu
"""

# Nothing here is ever needed: who calls one is an attacker, and the parent should see SIGSYS, not a polite error.
_KILLING = """
socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg
execve execveat fork vfork ptrace process_vm_readv process_vm_writev pidfd_open pidfd_getfd pidfd_send_signal
kill tkill rt_sigqueueinfo rt_tgsigqueueinfo
mount umount2 pivot_root chroot move_mount open_tree fsopen mount_setattr unshare setns
bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key memfd_create
init_module finit_module kexec_load open_by_handle_at name_to_handle_at
setuid setgid setresuid setresgid setgroups capset mknod mknodat link linkat symlink symlinkat
chmod fchmod fchmodat chown fchown lchown fchownat setxattr personality
"""

_CLONE_THREAD = 0x10000
_PR_SET_NAME = 15
_TCGETS, _FIOCLEX, _FIONREAD = 0x5401, 0x5451, 0x541B
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2


def problem() -> str | None:
    """Say in one sentence why seccomp cannot be used; None when it can. Imports nothing that could fail."""
    libc = ctypes.CDLL(None, use_errno=True)
    # A null program: a kernel that has seccomp filters answers EFAULT, another EINVAL.
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, None, 0, 0)
    if ctypes.get_errno() != errno.EFAULT:
        return "the kernel has no seccomp filters"
    return _library_problem()


@cache
def _library_problem() -> str | None:
    if importlib.util.find_spec("pyseccomp") is None:
        return "the Python package pyseccomp is not installed"
    if ctypes.util.find_library("seccomp") is None:
        return "the library libseccomp (Debian: libseccomp2) is not installed"
    return None


def build_filter() -> SyscallFilter:
    """Return the filter but for the rules that name a process id; a zygote builds it once for all its children."""
    import pyseccomp as sc

    rules = sc.SyscallFilter(sc.ERRNO(errno.ENOSYS))
    for name in _ALLOWED.split():
        rules.add_rule(sc.ALLOW, name)
    for name in _KILLING.split():
        rules.add_rule(sc.KILL_PROCESS, name)
    # Pango starts threads. clone3 hides its flags behind a pointer: ENOSYS (the default) makes glibc use clone.
    rules.add_rule(sc.ALLOW, "clone", sc.Arg(0, sc.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    rules.add_rule(sc.KILL_PROCESS, "clone", sc.Arg(0, sc.MASKED_EQ, _CLONE_THREAD, 0))
    rules.add_rule(sc.ALLOW, "prctl", sc.Arg(0, sc.EQ, _PR_SET_NAME))
    for request in (_TCGETS, _FIOCLEX, _FIONREAD):
        rules.add_rule(sc.ALLOW, "ioctl", sc.Arg(1, sc.EQ, request))
    # Its own limits, and only to read them.
    rules.add_rule(sc.ALLOW, "prlimit64", sc.Arg(0, sc.EQ, 0), sc.Arg(2, sc.EQ, 0))
    return rules


def load_filter(rules: SyscallFilter) -> None:
    """Bind this process by `rules` for ever. It may still signal itself: that is how abort() works."""
    import pyseccomp as sc

    rules.add_rule(sc.ALLOW, "tgkill", sc.Arg(0, sc.EQ, os.getpid()))
    rules.add_rule(sc.KILL_PROCESS, "tgkill", sc.Arg(0, sc.NE, os.getpid()))
    rules.load()
