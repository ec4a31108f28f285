"""How every test runs: several CPU devices, strict JAX, no window, no flaky examples.

Always on below `tests/`:
- two CPU devices, eight with COMPLETE=1, so that sharding is tested on any machine;
- no implicit promotion between dtypes, save in the folders and tests that reach optax;
- array shapes checked at run time by jaxtyping and beartype, in `SHAPE_CHECKED`;
- nothing new in the checkout's own folder: a command that a test gives writes below `tmp_path`.

On request, as fixtures: `float64`, `strict_ranks`, `checking_leaks`, `keys_used_once`, `as_before`,
`libtpu` and, for tests that hand over wrong input on purpose, `bad_input`.

A test that is marked `few(n)` runs with the first n of its parameters alone, and with all of them
where COMPLETE=1 is in the environment. XLA compiles without its costly optimisations, and as for
users with OPTIMISED=1, which takes two to three times as long: CI does so for executors
and training.
Compiled programs go into a cache on disk for one run of the suite, which all its processes share.
"""

import collections
import gc
import importlib.util
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")  # read when matplotlib is imported
if "PYTEST_XDIST_WORKER" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="lstm_jax-tests-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache.name  # workers and commands inherit it
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

import hypothesis
import jax
import jaxlib.version
import jaxtyping
import pytest

# A shell ignores it for what it runs behind, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

COMPLETE = os.environ.get("COMPLETE") == "1"
OPTIMISED = os.environ.get("OPTIMISED") == "1"

ROOT = Path(__file__).parents[1]
THERE = {*os.listdir(ROOT), "runs"}
"""What the checkout holds before the first test; a training beside them may begin with its own."""

_has_libtpu = importlib.util.find_spec("libtpu") is not None
KNOWS_OLDER = jaxlib.version.__version__.startswith("0.10.") and not _has_libtpu
"""Later versions of XLA, and that of libtpu, end the process at a flag that they do not know."""

if KNOWS_OLDER and not OPTIMISED:
    _older = "--xla_cpu_use_fusion_emitters=false"  # the older emitters compile in 2/3 of the time
    if _older not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_older}".strip()

jax.config.update("jax_num_cpu_devices", 8 if COMPLETE else 2)  # before JAX starts its backend
jax.config.update("jax_disable_most_optimizations", not OPTIMISED)

SHAPE_CHECKED = [
    *("lstm_jax.sequence", "lstm_jax.executors", "lstm_jax.unroll", "lstm_jax.layers"),
    *("lstm_jax.tasks", "lstm_jax.nnx", "lstm_jax.linen"),
]
"""Packages and modules whose annotations are checked in every call. Nothing of them may be
imported before the hook below is set."""

REACH_OPTAX = {"training", "experiments"}
"""Folders whose tests run with JAX's usual promotion: optax's Adam multiplies int32 by float."""

jaxtyping.install_import_hook(SHAPE_CHECKED, "beartype.beartype")

hypothesis.settings.register_profile("local", deadline=None, max_examples=30)
hypothesis.settings.register_profile(
    "ci", deadline=None, max_examples=30, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


class FewPrograms:
    """JAX forgets its compiled programs after a file of tests when there are many of them.

    Every program holds some memory maps, of which Linux gives a process 65,530; one more and XLA
    ends the process without a word. A plugin, for the hooks of this file miss the docstrings.
    """

    MANY_MAPS = 5_000

    def pytest_collection_finish(self) -> None:
        gc.freeze()  # no collection looks at what is imported and lasts

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        maps = Path("/proc/self/maps")
        if nextitem is None or nextitem.path == item.path or not maps.exists():
            return
        if maps.read_bytes().count(b"\n") > self.MANY_MAPS:
            jax.clear_caches()
            gc.collect()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FewPrograms())
    config.addinivalue_line(
        "markers", "usual_promotion: allow implicit promotion between dtypes, as optax needs"
    )
    config.addinivalue_line("markers", "few(n): run n of its parameters, all with COMPLETE=1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seen: collections.Counter[str] = collections.Counter()
    left_out = []
    for item in items:
        name, (few, *_) = item.nodeid.partition("[")[0], (*item.iter_markers("few"), None)
        seen[name] += 1
        if few is not None and not COMPLETE and seen[name] > few.args[0]:
            left_out.append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(autouse=True)
def strict_promotion(request: pytest.FixtureRequest) -> Iterator[None]:
    """No implicit promotion between dtypes, where nothing reaches optax."""
    folders = request.path.relative_to(request.config.rootpath).parts
    if REACH_OPTAX.intersection(folders) or request.node.get_closest_marker("usual_promotion"):
        yield
    else:
        with jax.numpy_dtype_promotion("strict"):
            yield


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """No test leaves files where the code is; what is hidden belongs to the tools."""
    yield
    new = {name for name in set(os.listdir(ROOT)) - THERE if not name.startswith((".", "__"))}
    THERE.update(new)  # told once
    assert not new, f"left in {ROOT}: {sorted(new)}"


@pytest.fixture
def float64() -> Iterator[None]:
    """64-bit types on."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def strict_ranks() -> Iterator[None]:
    """No implicit broadcasting between ranks: catches (B,) against (B, 1) in a loss.

    Not for cells, whose step adds a bias (4H,) to (B, 4H).
    """
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture
def checking_leaks() -> Iterator[None]:
    """A tracer that outlives its transformation is an error. Turns JAX's trace cache off."""
    with jax.checking_leaks():
        yield


@pytest.fixture
def keys_used_once() -> Iterator[None]:
    """Drawing twice from one random key is an error."""
    with jax.debug_key_reuse(True):
        yield


@pytest.fixture
def as_before() -> Iterator[None]:
    """JAX keeps the platforms that it may use, of which `compile` leaves some out."""
    before = jax.config.jax_platforms  # type: ignore[attr-defined]
    yield
    jax.config.update("jax_platforms", before)


@pytest.fixture
def libtpu(as_before: None) -> None:
    """The compiler of libtpu, which compiles for a TPU where none is."""
    if importlib.util.find_spec("libtpu") is None:
        pytest.skip('libtpu is not installed: pip install ".[tpu-aot]"')


@pytest.fixture
def bad_input() -> Iterator[None]:
    """Shape checks off: the library's own checks have to answer for wrong input.

    With them on, jaxtyping raises its TypeCheckError before the library sees the call.
    """
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
